import { isTokenUrl, readKeyFile } from "./key-file.ts";
import type { CredentialForm, ProviderKind } from "./known-names.ts";
import type { KeyPath } from "./document.ts";
import { listAt, mapAt, type RawMap, type Report } from "./raw.ts";

const FORMS: readonly CredentialForm[] = ["api_key", "access_token", "key_file", "client"];
const PARAMETERS = ["project", "location", "api_version"] as const;

/** Checks that a pool of credentials is one: something in it, nothing twice, nothing beside it. */
export function checkPool(provider: RawMap, path: KeyPath, report: Report): void {
  const { credentials } = provider;
  checkOne(provider, path, report, credentials === undefined);
  if (credentials === undefined) return;
  const [beside] = formsIn(provider);
  if (beside !== undefined) {
    report("conflict", [...path, "credentials"], `expected either ${beside} or credentials, not both`, "key");
  }
  const pool = listAt(credentials);
  if (Array.isArray(credentials) && pool.length === 0) {
    report("invalid_value", [...path, "credentials"], "expected at least one credential");
  }
  const seen = new Set<string>();
  for (const [index, entry] of pool.entries()) {
    const credential = mapAt(entry);
    const at = [...path, "credentials", index];
    const [form] = formsIn(credential);
    if (form === undefined && Object.keys(credential).length === 0) {
      report("missing", [...at, "api_key"], "is missing");
      continue;
    }
    checkOne(credential, at, report, true);
    const text = JSON.stringify(credential);
    if (form !== undefined && seen.has(text)) {
      report("conflict", [...at, form], "the pool has this credential twice");
    }
    seen.add(text);
  }
}

// A credential has one form, and tokens are got from where secrets may be sent.
function checkOne(credential: RawMap, path: KeyPath, report: Report, isOnly: boolean): void {
  const [first, second] = formsIn(credential);
  if (isOnly && first !== undefined && second !== undefined) {
    report("conflict", [...path, second], `expected either ${first} or ${second}, not both`, "key");
  }
  const tokenUrl = mapAt(credential["client"])["token_url"];
  if (typeof tokenUrl === "string" && tokenUrl !== "" && !isTokenUrl(tokenUrl)) {
    const expected = "expected a URL that begins with https:// (http:// on this machine only)";
    report("invalid_value", [...path, "client", "token_url"], expected);
  }
}

/** Checks the credentials against what the kind needs and takes. */
export function checkForms(provider: RawMap, kind: ProviderKind, path: KeyPath, report: Report): void {
  const { credentials } = provider;
  const [usual = "api_key"] = kind.credentials;
  if (kind.needsCredential && credentials === undefined && formsIn(provider).length === 0) {
    report("missing", [...path, usual], `is missing: the kind ${kind.name} needs a credential`);
  }
  const places: (readonly [RawMap, KeyPath])[] = [
    [provider, path],
    ...listAt(credentials).map((one, index) => [mapAt(one), [...path, "credentials", index]] as const),
  ];
  for (const [credential, at] of places) {
    for (const form of formsIn(credential).filter((one) => !kind.credentials.includes(one))) {
      const takes = kind.credentials.join(", ");
      report("not_available", [...at, form], `the kind ${kind.name} does not take it: expected ${takes}`, "key");
    }
  }
}

/** Checks what stands in the kind's addresses. */
export function checkParameters(provider: RawMap, kind: ProviderKind, path: KeyPath, report: Report): void {
  for (const name of PARAMETERS) {
    const known = kind.parameters.find((one) => one.name === name);
    if (known?.required === true && provider[name] === undefined && !(name === "project" && tellsProject(provider))) {
      report("missing", [...path, name], `is missing: the addresses of the kind ${kind.name} hold it`);
    }
    if (!known && provider[name] !== undefined) {
      report("not_available", [...path, name], `the addresses of the kind ${kind.name} do not hold it`, "key");
    }
  }
}

function tellsProject(provider: RawMap): boolean {
  return [provider, ...listAt(provider["credentials"]).map(mapAt)].some(({ key_file: text }) => {
    const read = typeof text === "string" ? readKeyFile(text) : "";
    // A file that cannot be read is told of by itself.
    return typeof text === "string" && (typeof read === "string" || read.projectId !== undefined);
  });
}

function formsIn(credential: RawMap): CredentialForm[] {
  return FORMS.filter((form) => credential[form] !== undefined);
}
