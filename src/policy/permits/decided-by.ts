import type { Constraints } from "../../contract/index.ts";
import type { PolicyOf } from "../holder.ts";
import { compileRates, rateText } from "../rates/compile-rates.ts";
import { compileAllowed } from "./compile-rules.ts";
import { mergeConstraints, snake } from "./merge-constraints.ts";
import { mergePermits } from "./merge-permits.ts";
import type { PermitName, Permits } from "./permits.ts";
import type { HeldPolicy } from "./policy-rules.ts";

/** A rule that holds for a caller, for people. */
export interface DecidedRule {
  /** As configuration names it, for example `permit.reasoning` or `constraints.regions`. */
  readonly rule: string;
  /** What is left by all the policies together. */
  readonly value: string;
  /** The policies that have decided it. */
  readonly by: readonly PolicyOf[];
}

/** The rules that hold for whom these policies hold, and whose each is. What no policy limits is not listed. */
export function decidedBy(policies: readonly HeldPolicy[]): DecidedRule[] {
  const { constraints, decidedBy: owners, contradictions } = mergeConstraints(policies);
  const decided: DecidedRule[] = [];
  for (const { holder, rules } of policies) {
    const by = [{ holder, policy: rules.name }];
    if (!rules.allowModels.includes("*"))
      decided.push({ rule: "allow_models", value: rules.allowModels.join(", "), by });
    if (rules.denyModels && rules.denyModels.length > 0)
      decided.push({ rule: "deny_models", value: rules.denyModels.join(", "), by });
  }
  for (const [field, by] of owners) {
    decided.push({ rule: `constraints.${snake(field)}`, value: constraintText(constraints, field), by });
  }
  decided.push(...permitRules(mergePermits(policies, contradictions)));
  for (const { holder, rules } of policies) {
    const by = { holder, policy: rules.name };
    for (const rate of compileRates(by, rules.rates ?? []))
      decided.push({ rule: "rates", value: rateText(rate), by: [by] });
  }
  return decided;
}

/** The policies that do not allow a model, route or `provider/model`; empty: all do. */
export function deniedBy(policies: readonly HeldPolicy[], model: string): PolicyOf[] {
  return policies
    .filter(({ rules }) => !compileAllowed(rules)(model))
    .map(({ holder, rules }) => ({ holder, policy: rules.name }));
}

function constraintText(constraints: Constraints | undefined, field: keyof Constraints): string {
  return valueText(constraints?.[field] as Value);
}

type Value = readonly string[] | ReadonlySet<string> | string | boolean | bigint | number | undefined;

function valueText(value: Value): string {
  return typeof value === "object" ? [...value].join(", ") : String(value);
}

function permitRules(permits: Permits): DecidedRule[] {
  return Object.entries(permits.decidedBy).map(([name, by]) => {
    const [permit = "", ...rest] = name.split(".");
    const tag = rest.join(".");
    const value = tag === "" ? permitText(permits, permit as PermitName) : tag;
    return { rule: `permit.${permit}`, value, by: [by] };
  });
}

function permitText(permits: Permits, name: PermitName): string {
  const field = name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
  return valueText(permits[field as keyof Permits] as Value);
}
