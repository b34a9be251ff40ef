import type { Capability, ModelFacts, Quirk } from "./facts.ts";
import type { Support } from "../contract/index.ts";

/**
 * What is known of a model when `override` is laid over `base`. Capabilities are merged one by one and quirks by id;
 * prices, limits and everything else are replaced as a whole, where the override has them.
 */
export function mergeFacts(base: Partial<ModelFacts>, override: Partial<ModelFacts>): ModelFacts {
  const capabilities: Partial<Record<Capability, Support>> = { ...base.capabilities, ...override.capabilities };
  return { ...base, ...override, capabilities, quirks: mergeQuirks(base.quirks ?? [], override.quirks ?? []) };
}

function mergeQuirks(base: readonly Quirk[], override: readonly Quirk[]): readonly Quirk[] {
  if (override.length === 0) return base;
  const replaced = new Set(override.map((quirk) => quirk.id));
  return [...base.filter((quirk) => !replaced.has(quirk.id)), ...override];
}
