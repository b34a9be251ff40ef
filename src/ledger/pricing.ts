import type { PriceEntry, PriceList } from "../catalog/facts.ts";
import {
  Modality,
  UsageSource,
  type CacheWrite,
  type Cost,
  type ModalityTokens,
  type Usage,
} from "../contract/index.ts";

// Words that providers use for the tier that has no price of its own.
const DEFAULT_TIERS = new Set(["", "auto", "default", "standard", "on_demand"]);

// Everything is summed in nano-USD times this: tokens are priced per million, meters per thousand and counted in
// millionths.
const SCALE = 1_000_000_000n;
const TOKEN_SCALE = 1_000n;
const METER_STEPS = 1_000_000;
const MAX_INT64 = 2n ** 63n - 1n;

const MODALITY_SUFFIX: readonly (readonly [Modality, string])[] = [
  [Modality.AUDIO, "audio"],
  [Modality.IMAGE, "image"],
  [Modality.VIDEO, "video"],
];

/**
 * What usage costs by a price list, in whole nano-USD, rounded up once. `serviceTier` is the tier that served the
 * request, in the provider's words. Undefined when a price of anything used is unknown, or nothing is known of the
 * usage: unknown is never 0. Estimated when the usage is no final figure, lacks its input or output, does not add up, or
 * had to be priced by an upper bound: cache reads without a price cost as much as input, cache writes of an unknown time
 * to live as much as the dearest.
 */
export function costOf(usage: Usage, prices: PriceList | undefined, serviceTier: string | undefined): Cost | undefined {
  if (!prices || !isAnythingKnown(usage)) return undefined;
  const sum = new Sum(prices.entries, serviceTier ?? "", totalInput(usage));
  sum.addInput(usage);
  sum.addOutput(usage);
  for (const { unit, quantity } of usage.meters) sum.addMeter(unit, quantity);
  const nanoUsd = sum.nanoUsd;
  if (nanoUsd === undefined) return undefined;
  const isFinal = usage.source === UsageSource.REPORTED || usage.source === UsageSource.RECONCILED;
  const isWhole = usage.inputTokens !== undefined && usage.outputTokens !== undefined;
  const isBalanced = usage.balanced || usage.reportedTotalTokens === undefined;
  // As `create` makes it, for a tenth of its cost: every attempt has one.
  return {
    $typeName: "parley.v1.Cost",
    nanoUsd,
    priceVersion: prices.version,
    estimated: sum.estimated || !isFinal || !isWhole || !isBalanced,
  };
}

function isAnythingKnown(usage: Usage): boolean {
  const { inputTokens, cacheReadTokens, outputTokens, reasoningTokens, toolPromptTokens, cacheWrites, meters } = usage;
  const known = inputTokens ?? cacheReadTokens ?? outputTokens ?? reasoningTokens ?? toolPromptTokens;
  return known !== undefined || cacheWrites.length > 0 || meters.length > 0;
}

function totalInput(usage: Usage): number {
  const written = usage.cacheWrites.reduce((sum, one) => sum + one.tokens, 0);
  return (usage.inputTokens ?? 0) + (usage.cacheReadTokens ?? 0) + (usage.toolPromptTokens ?? 0) + written;
}

/** The running sum of one cost. */
class Sum {
  estimated = false;
  readonly #entries: readonly PriceEntry[];
  readonly #tier: string;
  readonly #totalInput: number;
  #scaled = 0n;
  #unknown = false;

  constructor(entries: readonly PriceEntry[], serviceTier: string, totalInputTokens: number) {
    this.#entries = entries;
    this.#tier = DEFAULT_TIERS.has(serviceTier) ? "" : serviceTier;
    this.#totalInput = totalInputTokens;
  }

  /** Rounded up; undefined when a price was unknown. */
  get nanoUsd(): bigint | undefined {
    if (this.#unknown) return undefined;
    const nanoUsd = (this.#scaled + SCALE - 1n) / SCALE;
    return nanoUsd > MAX_INT64 ? MAX_INT64 : nanoUsd;
  }

  addInput(usage: Usage): void {
    const plain = (usage.inputTokens ?? 0) + (usage.toolPromptTokens ?? 0);
    this.#addByModality("input", plain, usage.inputModalities);
    const cached = usage.cacheReadTokens ?? 0;
    if (cached > 0) {
      const price = this.#price("cache_read");
      if (!price) this.estimated = true;
      this.#addTokens(cached, price ?? this.#price("input"));
    }
    for (const write of usage.cacheWrites) if (write.tokens > 0) this.#addTokens(write.tokens, this.#writePrice(write));
  }

  addOutput(usage: Usage): void {
    const reasoning = usage.reasoningTokens ?? 0;
    const reasoningPrice = this.#price("reasoning");
    if (reasoningPrice) this.#addTokens(reasoning, reasoningPrice);
    const output = (usage.outputTokens ?? 0) + (reasoningPrice ? 0 : reasoning);
    this.#addByModality("output", output, usage.outputModalities);
  }

  addMeter(unit: string, quantity: number): void {
    if (quantity === 0) return;
    // Meters rarely differ by tier; where they do, the tier's own price is found first.
    const price = this.#price(unit) ?? this.#price(unit, "");
    if (!price || !Number.isFinite(quantity) || quantity < 0) this.#unknown = true;
    else this.#scaled += BigInt(Math.ceil(quantity * METER_STEPS)) * BigInt(price.nanoUsd);
  }

  // Modalities are a view of all input, cached tokens too; those not cached are taken to be of the modality, which is
  // never the cheaper reading.
  #addByModality(unit: "input" | "output", tokens: number, modalities: readonly ModalityTokens[]): void {
    let left = tokens;
    for (const [modality, suffix] of MODALITY_SUFFIX) {
      const count = modalities.find((one) => one.modality === modality)?.tokens ?? 0;
      const price = count > 0 ? this.#price(`${unit}_${suffix}`) : undefined;
      if (!price) continue;
      const priced = Math.min(count, left);
      this.#addTokens(priced, price);
      left -= priced;
    }
    this.#addTokens(left, this.#price(unit));
  }

  #addTokens(tokens: number, price: PriceEntry | undefined): void {
    if (tokens === 0) return;
    if (price) this.#scaled += BigInt(tokens) * BigInt(price.nanoUsd) * TOKEN_SCALE;
    else this.#unknown = true;
  }

  #writePrice(write: CacheWrite): PriceEntry | undefined {
    const exact = this.#price("cache_write", this.#tier, write.ttlSeconds);
    if (exact) return exact;
    this.estimated = true;
    const ttls = new Set(this.#entries.filter((one) => one.unit === "cache_write").map((one) => one.ttlSeconds));
    let dearest: PriceEntry | undefined;
    for (const ttlSeconds of ttls) {
      const price = this.#price("cache_write", this.#tier, ttlSeconds);
      if (price && price.nanoUsd > (dearest?.nanoUsd ?? -1)) dearest = price;
    }
    return dearest;
  }

  /** The price that holds for this request: of its tier, of its time to live or of any, of its length. */
  #price(unit: string, tier = this.#tier, ttlSeconds?: number): PriceEntry | undefined {
    const ofTier = this.#longest(unit, tier, ttlSeconds);
    if (tier === "" || !ofTier) return ofTier;
    // A long request costs more by default and the tier's own price for long requests is not known.
    const byDefault = this.#longest(unit, "", ttlSeconds);
    return (byDefault?.aboveInputTokens ?? 0) > (ofTier.aboveInputTokens ?? 0) ? undefined : ofTier;
  }

  #longest(unit: string, tier: string, ttlSeconds: number | undefined): PriceEntry | undefined {
    let best: PriceEntry | undefined;
    for (const entry of this.#entries) {
      if (entry.unit !== unit || (entry.serviceTier ?? "") !== tier) continue;
      if (entry.ttlSeconds !== undefined && entry.ttlSeconds !== ttlSeconds) continue;
      const above = entry.aboveInputTokens ?? 0;
      if (above > 0 && this.#totalInput <= above) continue;
      if (!best || rank(entry) > rank(best)) best = entry;
    }
    return best;
  }
}

// The longest threshold decides; of two of the same, the one for the very time to live.
function rank(entry: PriceEntry): number {
  return (entry.aboveInputTokens ?? 0) * 2 + (entry.ttlSeconds === undefined ? 0 : 1);
}
