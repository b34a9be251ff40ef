import { checkContent } from "./check-content.ts";
import { checkBudgets } from "./schema-budgets.ts";
import { didYouMean } from "./suggest.ts";
import { checkConstraints, providerNames } from "./check-routes.ts";
import type { KeyPath } from "./document.ts";
import type { KnownNames } from "./known-names.ts";
import { listAt, mapAt, type RawMap, type Report } from "./raw.ts";

/** Checks what policies say of models, targets, permissions and rates. */
export function checkPolicies(root: RawMap, known: KnownNames, report: Report): void {
  for (const [name, value] of Object.entries(mapAt(root["policies"]))) {
    const policy = mapAt(value);
    const path = ["policies", name];
    checkConstraints(mapAt(policy["constraints"]), providerNames(root, known), [...path, "constraints"], report);
    for (const list of ["allow_models", "deny_models"]) checkPatterns(policy[list], [...path, list], report);
    checkBudgets(policy, path, report);
    checkWhenExceeded(root, known, name, report);
    for (const [index, budget] of listAt(policy["budgets"]).entries()) {
      checkPatterns(mapAt(budget)["models"], [...path, "budgets", index, "models"], report);
    }
    checkContent(policy["content"], [...path, "content"], known, report);
    checkPermit(policy, path, report);
    checkRates(policy["rates"], [...path, "rates"], report);
  }
}

function checkWhenExceeded(root: RawMap, known: KnownNames, policy: string, report: Report): void {
  const { model } = mapAt(mapAt(mapAt(root["policies"])[policy])["when_exceeded"]);
  if (typeof model !== "string" || model === "") return;
  const routes = Object.keys(mapAt(root["routes"]));
  const providers = providerNames(root, known);
  if (routes.includes(model) || providers.includes(model.slice(0, Math.max(0, model.indexOf("/"))))) return;
  const path = ["policies", policy, "when_exceeded", "model"];
  report("not_found", path, (shown) => `expected a route or provider/model, got ${shown}${didYouMean(model, routes)}`);
}

function checkPatterns(patterns: unknown, path: KeyPath, report: Report): void {
  for (const [index, pattern] of listAt(patterns).entries()) {
    if (typeof pattern !== "string" || !/[?[\]{}!\s]/.test(pattern)) continue;
    const message = "expected a pattern whose only wildcard is *, which stands for any characters";
    report("invalid_value", [...path, index], message);
  }
}

function checkPermit(policy: RawMap, path: KeyPath, report: Report): void {
  const permit = mapAt(policy["permit"]);
  const [alias, own] = [policy["allow_raw_params"], permit["raw_params"]];
  if (alias !== undefined && own !== undefined && JSON.stringify(alias) !== JSON.stringify(own)) {
    const message = "contradicts permit.raw_params, which is the same setting: remove this one";
    report("conflict", [...path, "allow_raw_params"], message, "key");
  }
  const whole = tokensAt(permit["max_context_tokens"]);
  for (const key of ["max_input_tokens", "max_output_tokens"]) {
    const part = tokensAt(permit[key]);
    if (part === undefined || whole === undefined || part <= whole) continue;
    const message = `takes no effect: max_context_tokens, for input and output together, is ${whole}`;
    report("conflict", [...path, "permit", key], message);
  }
}

function tokensAt(value: unknown): number | undefined {
  return typeof value === "number" || typeof value === "string" ? Number(value) : undefined;
}

const MEASURES = ["requests", "tokens", "concurrency"];

/** Checks that each limit says exactly one thing, and no two the same. */
export function checkRates(rates: unknown, path: KeyPath, report: Report): void {
  const seen = new Set<string>();
  for (const [index, value] of listAt(rates).entries()) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) continue;
    const rate = mapAt(value);
    const at = [...path, index];
    checkPatterns(rate["models"], [...at, "models"], report);
    const measures = MEASURES.filter((name) => rate[name] !== undefined);
    const [measure] = measures;
    if (measure === undefined || measures.length > 1) {
      const got = measures.length > 1 ? `, got ${measures.join(" and ")}: make them two limits` : "";
      report("invalid_value", at, `expected one of requests, tokens or concurrency${got}`);
      continue;
    }
    const per = rate["per"];
    if (measure === "concurrency" && per !== undefined) {
      report("conflict", [...at, "per"], "concurrency counts what runs at the moment: remove `per`", "key");
    } else if (measure !== "concurrency" && per === undefined) {
      report("missing", at, `is missing per: ${measure} per second, minute, hour or day`);
    }
    const models = listAt(rate["models"]).filter((one) => typeof one === "string");
    const same = JSON.stringify([measure, per, models.toSorted()]);
    if (seen.has(same)) report("conflict", at, `another limit of ${measure} is over the same: keep the smaller one`);
    seen.add(same);
  }
}
