import type { PolicyOf } from "../holder.ts";
import { isDearer, type CostTier } from "./cost-tier.ts";
import { EVERYTHING, type PermitName, type Permits } from "./permits.ts";
import type { HeldPolicy, PermitSettings } from "./policy-rules.ts";

const SWITCHES = [
  ["reasoning", "reasoning"],
  ["streaming", "streaming"],
  ["tools", "tools"],
  ["vision", "vision"],
  ["imageGeneration", "image_generation"],
  ["audio", "audio"],
] as const satisfies readonly (readonly [keyof PermitSettings, PermitName])[];

const LIMITS = [
  ["maxInputTokens", "max_input_tokens"],
  ["maxOutputTokens", "max_output_tokens"],
  ["maxContextTokens", "max_context_tokens"],
] as const satisfies readonly (readonly [keyof PermitSettings, PermitName])[];

/** The permissions that all the policies leave: the stricter rule wins, and of equals the first. */
export function mergePermits(policies: readonly HeldPolicy[], contradictions: readonly string[] = []): Permits {
  const stated = policies.flatMap(({ holder, rules }) =>
    rules.permit ? [{ by: { holder, policy: rules.name }, permit: rules.permit }] : [],
  );
  if (stated.length === 0 && contradictions.length === 0) return EVERYTHING;
  const merged: Mutable<Permits> = { ...EVERYTHING, contradictions };
  const decidedBy: Record<string, PolicyOf> = {};
  for (const { by, permit } of stated) {
    for (const [field, name] of SWITCHES) {
      if (permit[field] || !merged[field]) continue;
      merged[field] = false;
      decidedBy[name] = by;
    }
    for (const [field, name] of LIMITS) {
      const limit = permit[field];
      if (limit === undefined || limit >= (merged[field] ?? Infinity)) continue;
      merged[field] = limit;
      decidedBy[name] = by;
    }
    const rawParams = narrowed(merged.rawParams, permit.rawParams);
    if (rawParams !== undefined) {
      merged.rawParams = rawParams;
      decidedBy["raw_params"] = by;
    }
    if (permit.costTier !== undefined && isStricter(permit.costTier, merged.costTier)) {
      merged.costTier = permit.costTier;
      decidedBy["cost_tier"] = by;
    }
    for (const tag of permit.requiredTags) decidedBy[`required_tags.${tag}`] ??= by;
    merged.requiredTags = [...new Set([...merged.requiredTags, ...permit.requiredTags])];
  }
  return { ...merged, decidedBy };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The names that both allow; undefined: no fewer than before. */
function narrowed(
  before: Permits["rawParams"],
  also: PermitSettings["rawParams"],
): boolean | ReadonlySet<string> | undefined {
  if (also === true || before === false) return undefined;
  if (also === false) return false;
  if (before === true) return new Set(also);
  const common = new Set(also.filter((name) => before.has(name)));
  return common.size < before.size ? common : undefined;
}

function isStricter(tier: CostTier, than: CostTier | undefined): boolean {
  return than === undefined ? tier !== "priority" : isDearer(than, tier);
}
