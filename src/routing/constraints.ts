import { Support, type Constraints } from "../contract/index.ts";
import type { Target } from "./target.ts";
import { CAPABILITIES, type Capability } from "../catalog/facts.ts";

/**
 * The constraint that excludes `target`, as the path of the request's field, or undefined where it satisfies them all.
 * A fact that is unknown does not satisfy a constraint on it.
 */
export function brokenConstraint(target: Target, constraints: Constraints | undefined): string | undefined {
  if (!constraints) return undefined;
  for (const [field, satisfied] of RULES) {
    if (!satisfied(target, constraints)) return `routing.constraints.${field}`;
  }
  return undefined;
}

type Rule = (target: Target, constraints: Constraints) => boolean;

const RULES: readonly (readonly [string, Rule])[] = [
  ["allow_providers", (t, c) => c.allowProviders.length === 0 || c.allowProviders.includes(t.provider)],
  ["deny_providers", (t, c) => !c.denyProviders.includes(t.provider)],
  ["regions", (t, c) => c.regions.length === 0 || (t.region !== undefined && c.regions.includes(t.region))],
  ["zero_retention", (t, c) => c.zeroRetention !== true || t.facts.dataPolicy?.retains === false],
  ["no_training", (t, c) => c.noTraining !== true || t.facts.dataPolicy?.trains === false],
  ["max_input_nano_usd_per_million_tokens", (t, c) => withinPrice(t, "input", c.maxInputNanoUsdPerMillionTokens)],
  ["max_output_nano_usd_per_million_tokens", (t, c) => withinPrice(t, "output", c.maxOutputNanoUsdPerMillionTokens)],
  ["required_capabilities", (t, c) => c.requiredCapabilities.every((name) => has(t, name))],
];

// The dearest price that may apply counts: tiers by input size or service tier are not known in advance.
function withinPrice(target: Target, unit: string, limit: bigint | undefined): boolean {
  if (limit === undefined) return true;
  const prices = target.facts.prices?.entries.filter((entry) => entry.unit === unit) ?? [];
  return prices.length > 0 && prices.every((price) => BigInt(price.nanoUsd) <= limit);
}

function has(target: Target, name: string): boolean {
  if (!isCapability(name)) return false;
  const support = target.facts.capabilities[name];
  return support === Support.NATIVE || support === Support.EMULATED;
}

function isCapability(name: string): name is Capability {
  return (CAPABILITIES as readonly string[]).includes(name);
}
