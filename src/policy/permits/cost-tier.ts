/** Service tiers by what they cost, cheapest first. */
export const COST_TIERS = ["flex", "standard", "priority"] as const;

/** One of them. */
export type CostTier = (typeof COST_TIERS)[number];

// The words with which providers name their tiers. A word that lets the provider choose may become its dearest.
const WORDS: Readonly<Record<string, CostTier>> = {
  flex: "flex",
  batch: "flex",
  standard: "standard",
  default: "standard",
  standard_only: "standard",
  on_demand: "standard",
};

/** What a tier costs, in a provider's word. An unknown word counts as the dearest. */
export function costTierOf(word: string): CostTier {
  return Object.hasOwn(WORDS, word) ? WORDS[word]! : "priority";
}

/** Whether one tier is dearer than another. */
export function isDearer(tier: CostTier, than: CostTier): boolean {
  return COST_TIERS.indexOf(tier) > COST_TIERS.indexOf(than);
}
