import type { KnownNames, ProviderKind } from "./known-names.ts";
import { mapAt, type RawMap, type Report } from "./raw.ts";
import { API_NAMES } from "./schema.ts";
import { checkForms, checkParameters, checkPool } from "./check-credentials.ts";
import { didYouMean } from "./suggest.ts";

/** Checks each provider against what its kind needs and has. */
export function checkProviders(providers: RawMap, known: KnownNames, report: Report): void {
  for (const [name, value] of Object.entries(providers)) {
    const provider = mapAt(value);
    const path = ["providers", name];
    checkAddress(provider, path, report);
    checkPool(provider, path, report);
    const kind = findKind(provider["kind"], path, known, report);
    if (kind) checkAgainstKind(provider, kind, path, report);
  }
}

function findKind(value: unknown, path: string[], known: KnownNames, report: Report): ProviderKind | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const kind = known.kinds.find((one) => one.name === value);
  if (kind) return kind;
  const names = known.kinds.map((one) => one.name);
  if (value === "sandbox") {
    report("not_available", [...path, "kind"], "the sandbox is no kind: add `sandbox: true` at the top of the file");
    return undefined;
  }
  const hint = didYouMean(value, names) || `; this version has ${names.join(", ")}`;
  report("not_available", [...path, "kind"], (shown) => `this version has no provider kind ${shown}${hint}`);
  return undefined;
}

function checkAgainstKind(provider: RawMap, kind: ProviderKind, path: string[], report: Report): void {
  if (kind.needsBaseUrl && provider["base_url"] === undefined) {
    report("missing", [...path, "base_url"], `is missing: the kind ${kind.name} has no address of its own`);
  }
  checkForms(provider, kind, path, report);
  checkParameters(provider, kind, path, report);
  if (mapAt(provider["probe"])["kind"] === "models" && !kind.listsModels) {
    report("invalid_value", [...path, "probe", "kind"], `the kind ${kind.name} lists no models: expected chat`);
  }
  const { api } = provider;
  const has = ["auto", ...kind.apis].join(", ");
  if (API_NAMES.some((name) => name === api) && !kind.apis.some((name) => name === api)) {
    report(
      "not_available",
      [...path, "api"],
      `the kind ${kind.name} does not have it in this version: expected ${has}`,
    );
  }
}

function checkAddress(provider: RawMap, path: string[], report: Report): void {
  const value = provider["base_url"];
  if (typeof value !== "string" || value === "") return;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const at = [...path, "base_url"];
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    report("invalid_value", at, "expected a URL that begins with https:// or http://");
  } else if (url.username !== "" || url.password !== "") {
    report("invalid_value", at, "expected a URL without a user and password: put the credential into api_key");
  } else if (url.search !== "" || url.hash !== "" || value.includes("?") || value.includes("#")) {
    report("invalid_value", at, "expected a URL without a query and fragment");
  }
}
