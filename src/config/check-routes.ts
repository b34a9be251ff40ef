import type { KnownNames } from "./known-names.ts";
import { listAt, mapAt, type RawMap, type Report } from "./raw.ts";
import { didYouMean } from "./suggest.ts";

/** Checks the routes or the tasks: that their targets exist, and that what they set takes effect. */
export function checkRoutes(root: RawMap, known: KnownNames, section: "routes" | "tasks", report: Report): void {
  const { sandboxes } = known;
  const providers = mapAt(root["providers"]);
  const names = providerNames(root, known);
  for (const [name, route] of Object.entries(mapAt(root[section]))) {
    checkEffect(mapAt(route), mapAt(root["defaults"])["strategy"], [section, name], report);
    checkConstraints(mapAt(mapAt(route)["constraints"]), names, [section, name, "constraints"], report);
    const targets = listAt(mapAt(route)["targets"]);
    if (Array.isArray(mapAt(route)["targets"]) && targets.length === 0) {
      report("invalid_value", [section, name, "targets"], "expected at least one target");
    }
    const seen = new Set<string>();
    for (const [index, entry] of targets.entries()) {
      const isMap = typeof entry === "object";
      const path = [section, name, "targets", index, ...(isMap ? ["target"] : [])];
      const target = isMap ? mapAt(entry)["target"] : entry;
      if (typeof target !== "string" || target === "") continue;
      const problem = targetProblem(target, names, sandboxes, providers);
      if (problem !== undefined) report(target.includes("/") ? "not_found" : "invalid_value", path, problem);
      else if (seen.has(target)) report("conflict", path, "the route has this target twice");
      seen.add(target);
    }
  }
}

/** The providers that there will be, the sandbox's included where it runs. */
export function providerNames(root: RawMap, { sandboxes }: KnownNames): string[] {
  const sandbox = root["sandbox"] === true || root["sandbox"] === "true";
  return [...Object.keys(mapAt(root["providers"])), ...(sandbox ? sandboxes : [])];
}

/** What only another strategy looks at would be ignored, and so would a canary beyond the whole. */
function checkEffect(route: RawMap, usual: unknown, path: string[], report: Report): void {
  const strategy = route["strategy"] ?? usual ?? "ordered";
  if (route["weights"] !== undefined && strategy !== "balanced") {
    report(
      "conflict",
      [...path, "weights"],
      "takes effect with `strategy: balanced` only: weight stands at a target",
      "key",
    );
  }
  const all = listAt(route["targets"]).map(mapAt);
  const targets = all.filter(({ shadow }) => shadow === undefined);
  if (route["hedge"] !== undefined && targets.length === 1) {
    report("conflict", [...path, "hedge"], "takes effect with two targets or more", "key");
  }
  if (all.length > 0 && targets.length === 0) {
    report("conflict", [...path, "targets"], "every target is a shadow: expected one that serves");
  }
  for (const [index, target] of all.entries()) {
    for (const key of ["weight", "quality", "canary"]) {
      if (target["shadow"] === undefined || target[key] === undefined) continue;
      report("conflict", [...path, "targets", index, key], "takes no effect beside shadow: it serves nobody", "key");
    }
  }
  const canaries = targets.flatMap(({ canary }) => (canary === undefined ? [] : [Number(canary)]));
  const sum = canaries.reduce((total, one) => total + one, 0);
  if (sum > 100)
    report("conflict", [...path, "targets"], `the canaries get ${sum} per cent together: expected at most 100`);
  if (canaries.length > 0 && canaries.length === targets.length) {
    report("conflict", [...path, "targets"], "every target is a canary: expected one that is not on trial");
  }
  if (strategy === "weighted" && targets.length > 0 && targets.every(({ weight }) => Number(weight ?? 1) === 0)) {
    report("conflict", [...path, "targets"], "every target has the weight 0: expected one above it");
  }
}

/** Checks that the providers which constraints name are there. */
export function checkConstraints(constraints: RawMap, names: readonly string[], path: string[], report: Report): void {
  for (const key of ["allow_providers", "deny_providers"]) {
    for (const [index, name] of listAt(constraints[key]).entries()) {
      if (typeof name !== "string" || name === "" || names.includes(name)) continue;
      const there =
        didYouMean(name, names) || (names.length > 0 ? `; there are ${names.join(", ")}` : "; there are none");
      report("not_found", [...path, key, index], (shown) => `expected a configured provider, got ${shown}${there}`);
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
