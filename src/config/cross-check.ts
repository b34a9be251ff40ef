import { checkProviders } from "./check-providers.ts";
import { checkServer, type ReadProblem } from "./check-server.ts";
import type { ConfigDocument } from "./document.ts";
import type { KnownNames } from "./known-names.ts";
import { listAt, mapAt, type RawMap, type Report } from "./raw.ts";
import { ADMIN_KEY_VARIABLE } from "./settings.ts";
import { didYouMean } from "./suggest.ts";

/** The name of the built-in sandbox as a provider. */
export const SANDBOX = "sandbox";

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
  checkRoutes(root, known, report);
  checkKeys(root, report);
  checkPolicies(mapAt(root["policies"]), report);
}

function checkNames(root: RawMap, { sandboxes }: KnownNames, report: Report): void {
  for (const section of ["providers", "routes", "policies"]) {
    for (const name of Object.keys(mapAt(root[section]))) {
      const path = [section, name];
      if (section === "routes" && name.includes("/")) {
        report("invalid_value", path, "expected a name without a slash: provider/model needs no route", "key");
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

function checkRoutes(root: RawMap, { sandboxes }: KnownNames, report: Report): void {
  const providers = mapAt(root["providers"]);
  const sandbox = root["sandbox"] === true || root["sandbox"] === "true";
  const names = [...Object.keys(providers), ...(sandbox ? sandboxes : [])];
  for (const [name, route] of Object.entries(mapAt(root["routes"]))) {
    const targets = listAt(mapAt(route)["targets"]);
    if (Array.isArray(mapAt(route)["targets"]) && targets.length === 0) {
      report("invalid_value", ["routes", name, "targets"], "expected at least one target");
    }
    const seen = new Set<string>();
    for (const [index, entry] of targets.entries()) {
      const isMap = typeof entry === "object";
      const path = ["routes", name, "targets", index, ...(isMap ? ["target"] : [])];
      const target = isMap ? mapAt(entry)["target"] : entry;
      if (typeof target !== "string" || target === "") continue;
      const problem = targetProblem(target, names, sandboxes, providers);
      if (problem !== undefined) report(target.includes("/") ? "not_found" : "invalid_value", path, problem);
      else if (seen.has(target)) report("conflict", path, "the route has this target twice");
      seen.add(target);
    }
  }
}

type TargetProblem = (shown: string) => string;

function targetProblem(
  target: string,
  names: readonly string[],
  sandboxes: readonly string[],
  providers: RawMap,
): TargetProblem | undefined {
  const slash = target.indexOf("/");
  if (slash < 1 || slash === target.length - 1) return (shown) => `expected provider/model, got ${shown}`;
  const name = target.slice(0, slash);
  if (!names.includes(name)) {
    if (sandboxes.includes(name)) return () => "the sandbox does not run: add `sandbox: true` at the top of the file";
    const there = names.length > 0 ? `; there are ${names.join(", ")}` : "; there are none";
    return (shown) => `expected a target of a configured provider, got ${shown}${didYouMean(name, names) || there}`;
  }
  const { models } = mapAt(providers[name]);
  const listed = Array.isArray(models) ? models.map(String) : Object.keys(mapAt(models));
  const model = target.slice(slash + 1);
  if (typeof models !== "object" || models === null || listed.includes(model)) return undefined;
  return (shown) => `expected a model that the provider ${name} lists, got ${shown}${didYouMean(model, listed)}`;
}

function checkKeys(root: RawMap, report: Report): void {
  const policies = Object.keys(mapAt(root["policies"]));
  const names = new Set<string>();
  const keys = new Map<string, number>();
  for (const [index, entry] of listAt(root["keys"]).entries()) {
    const { name, key, policy, role } = mapAt(entry);
    if (typeof name === "string") {
      if (names.has(name) || name === ADMIN_KEY_VARIABLE)
        report("conflict", ["keys", index, "name"], "another key has this name too");
      else if (!NAME.test(name)) report("invalid_value", ["keys", index, "name"], NAME_RULE);
      names.add(name);
    }
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

function checkPolicies(policies: RawMap, report: Report): void {
  for (const [name, policy] of Object.entries(policies)) {
    for (const [index, pattern] of listAt(mapAt(policy)["allow_models"]).entries()) {
      if (typeof pattern === "string" && /[?[\]{}!\s]/.test(pattern)) {
        const path = ["policies", name, "allow_models", index];
        report("invalid_value", path, "expected a pattern whose only wildcard is *, which stands for any characters");
      }
    }
  }
}
