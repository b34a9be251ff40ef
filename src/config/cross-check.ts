import { checkIssuers } from "./check-issuers.ts";
import { checkOrganisations } from "./check-organisations.ts";
import { checkPolicies, checkRates } from "./check-policies.ts";
import { checkProviders } from "./check-providers.ts";
import { checkRoutes } from "./check-routes.ts";
import { checkServer, type ReadProblem } from "./check-server.ts";
import type { ConfigDocument } from "./document.ts";
import type { KnownNames } from "./known-names.ts";
import { listAt, mapAt, type RawMap, type Report } from "./raw.ts";
import { ADMIN_KEY_VARIABLE } from "./settings.ts";
import { didYouMean } from "./suggest.ts";

const NAME = /^[A-Za-z0-9][\w.:-]{0,127}$/;
const NAME_RULE = "expected a name of at most 128 letters, digits, dots, colons, dashes and underscores";

/**
 * Checks what no schema can: names that refer to each other, and settings that contradict each other. It reads the raw
 * data and passes over whatever has the wrong shape, so that all mistakes are told at once, the schema's included.
 */
export function crossCheck(document: ConfigDocument, known: KnownNames, readProblem: ReadProblem): void {
  const root = mapAt(document.value);
  const report: Report = (code, path, message, at) => {
    if (document.isBroken(path)) return;
    const text = typeof message === "string" ? message : message(document.shown(path));
    document.problems.push(document.problem(code, path, text, at));
  };
  checkNames(root, known, report);
  checkServer(mapAt(root["server"]), readProblem, report);
  checkProviders(mapAt(root["providers"]), known, report);
  for (const [name, provider] of Object.entries(mapAt(root["providers"]))) {
    checkRates(mapAt(provider)["rates"], ["providers", name, "rates"], report);
  }
  checkRoutes(root, known, "routes", report);
  checkRoutes(root, known, "tasks", report);
  checkKeys(root, report);
  checkOrganisations(root, { rule: NAME_RULE, fits: (name) => NAME.test(name) }, report);
  checkIssuers(root, report);
  checkPolicies(root, known, report);
}

function checkNames(root: RawMap, { sandboxes }: KnownNames, report: Report): void {
  for (const section of ["providers", "routes", "tasks", "policies", "issuers"]) {
    for (const name of Object.keys(mapAt(root[section]))) {
      const path = [section, name];
      if (section === "routes" && name.includes("/")) {
        report("invalid_value", path, "expected a name without a slash: provider/model needs no route", "key");
      } else if (section === "routes" && name.startsWith("task:")) {
        report(
          "invalid_value",
          path,
          "expected a name that does not begin with task:, which policies say for tasks",
          "key",
        );
      } else if (!NAME.test(name)) report("invalid_value", path, NAME_RULE, "key");
    }
  }
  const providers = mapAt(root["providers"]);
  for (const name of sandboxes.filter((one) => Object.hasOwn(providers, one))) {
    report("conflict", ["providers", name], "this name is the built-in sandbox's: choose another one", "key");
  }
  for (const name of Object.keys(mapAt(root["routes"]))) {
    if (Object.hasOwn(providers, name) || sandboxes.includes(name)) {
      report("conflict", ["routes", name], `a provider is named ${name} too: choose another name for the route`, "key");
    }
  }
}

function checkKeys(root: RawMap, report: Report): void {
  const policies = Object.keys(mapAt(root["policies"]));
  const names = new Set<string>();
  const keys = new Map<string, number>();
  for (const [index, entry] of listAt(root["keys"]).entries()) {
    const { name, key, certificate, policy, role } = mapAt(entry);
    if (typeof name === "string") {
      if (names.has(name) || name === ADMIN_KEY_VARIABLE)
        report("conflict", ["keys", index, "name"], "another key has this name too");
      else if (!NAME.test(name)) report("invalid_value", ["keys", index, "name"], NAME_RULE);
      names.add(name);
    }
    if ((key === undefined) === (certificate === undefined)) {
      report("conflict", ["keys", index], "expected one of key and certificate");
    } else if (certificate !== undefined) checkCertificate(root, mapAt(certificate), index, report);
    if (typeof key === "string") {
      const other = keys.get(key);
      if (other !== undefined) report("conflict", ["keys", index, "key"], `keys[${other}] has the same text`);
      keys.set(key, index);
    }
    if (typeof policy !== "string") continue;
    const path = ["keys", index, "policy"];
    if (role === "admin") report("conflict", path, "an administrator's key may do everything: remove the policy");
    else if (!policies.includes(policy)) {
      report("not_found", path, (shown) => `no policy is named ${shown}${didYouMean(policy, policies)}`);
    }
  }
}

function checkCertificate(root: RawMap, certificate: RawMap, index: number, report: Report): void {
  const path = ["keys", index, "certificate"];
  if (Object.keys(certificate).length === 0)
    report("missing", path, "expected common_name, alternative_name or sha256");
  // Without an authority nobody has checked what a certificate says.
  if (mapAt(mapAt(root["server"])["tls"])["client_ca"] !== undefined) return;
  report("conflict", path, "no client certificate is asked for: set server.tls.client_ca");
}
