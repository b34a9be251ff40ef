import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PriceEntry, PriceList } from "../catalog/facts.ts";
import { Modality, UsageSource, type UsageSchema } from "../contract/index.ts";

type UsageInit = MessageInitShape<typeof UsageSchema>;

const USD_PER_MILLION = 1_000_000_000; // in nano-USD

/** Prices in USD per million tokens, or per thousand of a meter. */
function prices(...entries: (Omit<PriceEntry, "nanoUsd"> & { usd: number })[]): PriceList {
  return {
    version: "2026-11-20",
    entries: entries.map(({ usd, ...entry }) => ({ ...entry, nanoUsd: Math.round(usd * USD_PER_MILLION) })),
  };
}

const plain = prices({ unit: "input", usd: 2.5 }, { unit: "cache_read", usd: 0.25 }, { unit: "output", usd: 15 });
const cached = prices(
  { unit: "input", usd: 3 },
  { unit: "cache_read", usd: 0.3 },
  { unit: "cache_write", usd: 3.75 },
  { unit: "cache_write", usd: 6, ttlSeconds: 3_600 },
  { unit: "output", usd: 15 },
);
const tiered = prices(
  { unit: "input", usd: 2 },
  { unit: "cache_read", usd: 0.2 },
  { unit: "output", usd: 10 },
  { unit: "input", usd: 4, aboveInputTokens: 200_000 },
  { unit: "cache_read", usd: 0.4, aboveInputTokens: 200_000 },
  { unit: "output", usd: 15, aboveInputTokens: 200_000 },
  { unit: "input", usd: 4, serviceTier: "priority" },
  { unit: "output", usd: 20, serviceTier: "priority" },
  { unit: "web_search_requests", usd: 10 },
);
const spoken = prices(
  { unit: "input", usd: 2.5 },
  { unit: "output", usd: 10 },
  { unit: "input_audio", usd: 32 },
  { unit: "output_audio", usd: 64 },
);
const audio = (tokens: number) => [{ modality: Modality.AUDIO, tokens }];

/** Usage, the price list and what it must cost. */
interface Case {
  readonly name: string;
  readonly usage: UsageInit;
  readonly prices: PriceList | undefined;
  readonly tier?: string;
  /** Nano-USD, or undefined where no price is known. */
  readonly nanoUsd: bigint | undefined;
  readonly estimated?: boolean;
}

/** What usage costs, and when it has no known cost: the anomalies that cost others money, and the arithmetic. */
export const PRICING_CASES: readonly Case[] = [
  { name: "input and output", usage: { inputTokens: 100, outputTokens: 20 }, prices: plain, nanoUsd: 550_000n },
  {
    name: "disjoint buckets: a cached token is charged once, reasoning as output",
    usage: { inputTokens: 100, cacheReadTokens: 1_000, outputTokens: 20, reasoningTokens: 80 },
    prices: plain,
    nanoUsd: 250_000n + 250_000n + 1_500_000n,
  },
  {
    name: "tokens that the provider's own tools added, as input",
    usage: { inputTokens: 10, toolPromptTokens: 90, outputTokens: 0 },
    prices: plain,
    nanoUsd: 250_000n,
  },
  {
    name: "reasoning at its own price where it has one",
    usage: { inputTokens: 0, outputTokens: 10, reasoningTokens: 100 },
    prices: prices({ unit: "input", usd: 1 }, { unit: "output", usd: 2 }, { unit: "reasoning", usd: 5 }),
    nanoUsd: 20_000n + 500_000n,
  },
  {
    name: "a fraction of a nano-USD rounded up, once over all buckets",
    usage: { inputTokens: 1, cacheReadTokens: 1, outputTokens: 1 },
    prices: { version: "x", entries: ["input", "cache_read", "output"].map((unit) => ({ unit, nanoUsd: 333_334 })) },
    nanoUsd: 2n, // 1.000002, where three roundings would give 3
  },
  { name: "figures that were 0", usage: { inputTokens: 0, outputTokens: 0 }, prices: plain, nanoUsd: 0n },
  {
    name: "a price that is 0 because somebody said so",
    usage: { inputTokens: 5, outputTokens: 5 },
    prices: prices({ unit: "input", usd: 0 }, { unit: "output", usd: 0 }),
    nanoUsd: 0n,
  },

  // What is not known is not 0.
  { name: "no price list", usage: { inputTokens: 5, outputTokens: 5 }, prices: undefined, nanoUsd: undefined },
  { name: "an empty price list", usage: { inputTokens: 5, outputTokens: 5 }, prices: prices(), nanoUsd: undefined },
  {
    name: "no price for the output",
    usage: { inputTokens: 5, outputTokens: 5 },
    prices: prices({ unit: "input", usd: 1 }),
    nanoUsd: undefined,
  },
  {
    name: "no price for the output, which is 0",
    usage: { inputTokens: 1_000, outputTokens: 0 },
    prices: prices({ unit: "input", usd: 1 }),
    nanoUsd: 1_000_000n,
  },
  { name: "usage without any figure", usage: {}, prices: plain, nanoUsd: undefined },
  {
    name: "a meter without a price",
    usage: { inputTokens: 5, outputTokens: 5, meters: [{ unit: "web_search_requests", quantity: 1 }] },
    prices: plain,
    nanoUsd: undefined,
  },
  {
    name: "an absurd meter",
    usage: { inputTokens: 5, outputTokens: 5, meters: [{ unit: "web_search_requests", quantity: Number.NaN }] },
    prices: tiered,
    nanoUsd: undefined,
  },
  {
    name: "a tier without a price: neither the default's nor 0",
    usage: { inputTokens: 5, outputTokens: 5 },
    prices: tiered,
    tier: "flex",
    nanoUsd: undefined,
  },

  // Caches.
  {
    name: "cache reads without a price of their own, at most what input costs",
    usage: { inputTokens: 0, cacheReadTokens: 1_000, outputTokens: 0 },
    prices: prices({ unit: "input", usd: 2 }, { unit: "output", usd: 8 }),
    nanoUsd: 2_000_000n,
    estimated: true,
  },
  {
    name: "cache writes by time to live",
    usage: {
      inputTokens: 0,
      outputTokens: 0,
      cacheWrites: [{ ttlSeconds: 300, tokens: 1_000 }, { ttlSeconds: 3_600, tokens: 1_000 }, { tokens: 1_000 }],
    },
    prices: cached,
    nanoUsd: 3_750_000n + 6_000_000n + 3_750_000n,
  },
  {
    name: "cache writes of an unpriced time to live, as the dearest",
    usage: { inputTokens: 0, outputTokens: 0, cacheWrites: [{ ttlSeconds: 60, tokens: 1_000 }] },
    prices: prices(
      { unit: "cache_write", usd: 3, ttlSeconds: 300 },
      { unit: "cache_write", usd: 5, ttlSeconds: 3_600 },
      { unit: "input", usd: 1 },
      { unit: "output", usd: 1 },
    ),
    nanoUsd: 5_000_000n,
    estimated: true,
  },
  {
    name: "cache writes without any price",
    usage: { inputTokens: 0, outputTokens: 0, cacheWrites: [{ tokens: 1 }] },
    prices: plain,
    nanoUsd: undefined,
  },

  // Long requests and service tiers.
  {
    name: "exactly the threshold: not above it",
    usage: { inputTokens: 150_000, cacheReadTokens: 50_000, outputTokens: 0 },
    prices: tiered,
    nanoUsd: 300_000_000n + 10_000_000n,
  },
  {
    name: "one token above the threshold, cached ones counted: the whole request costs more",
    usage: { inputTokens: 150_001, cacheReadTokens: 50_000, outputTokens: 1_000 },
    prices: tiered,
    nanoUsd: 600_004_000n + 20_000_000n + 15_000_000n,
  },
  {
    name: "the tier that served",
    usage: { inputTokens: 1_000, outputTokens: 1_000 },
    prices: tiered,
    tier: "priority",
    nanoUsd: 4_000_000n + 20_000_000n,
  },
  ...["", "auto", "default", "standard", "on_demand"].map((tier) => ({
    name: `the default tier by the name ${JSON.stringify(tier)}`,
    usage: { inputTokens: 1_000, outputTokens: 1_000 },
    prices: tiered,
    tier,
    nanoUsd: 12_000_000n,
  })),
  {
    name: "a long request on a tier whose long price is unknown",
    usage: { inputTokens: 200_001, outputTokens: 1 },
    prices: tiered,
    tier: "priority",
    nanoUsd: undefined,
  },
  {
    name: "a meter on a tier that prices tokens only",
    usage: { inputTokens: 0, outputTokens: 0, meters: [{ unit: "web_search_requests", quantity: 3 }] },
    prices: tiered,
    tier: "priority",
    nanoUsd: 30_000_000n,
  },
  {
    name: "a fraction of a meter's unit",
    usage: { inputTokens: 0, outputTokens: 0, meters: [{ unit: "audio_seconds", quantity: 0.5 }] },
    prices: prices({ unit: "audio_seconds", usd: 6 }, { unit: "input", usd: 1 }, { unit: "output", usd: 1 }),
    nanoUsd: 3_000_000n,
  },

  // Modalities.
  {
    name: "audio priced apart",
    usage: { inputTokens: 1_100, outputTokens: 60, inputModalities: audio(1_000), outputModalities: audio(50) },
    prices: spoken,
    nanoUsd: 32_000_000n + 250_000n + 3_200_000n + 100_000n,
  },
  {
    name: "more audio than uncached input: the rest was cached",
    usage: { inputTokens: 100, cacheReadTokens: 900, outputTokens: 0, inputModalities: audio(1_000) },
    prices: prices(
      { unit: "input", usd: 1 },
      { unit: "cache_read", usd: 0.1 },
      { unit: "output", usd: 1 },
      { unit: "input_audio", usd: 10 },
    ),
    nanoUsd: 1_000_000n + 90_000n,
  },
  {
    name: "audio that has no price of its own, as text",
    usage: { inputTokens: 1_000, outputTokens: 0, inputModalities: audio(1_000) },
    prices: plain,
    nanoUsd: 2_500_000n,
  },

  // Provenance.
  {
    name: "usage without output",
    usage: { inputTokens: 1_000 },
    prices: plain,
    nanoUsd: 2_500_000n,
    estimated: true,
  },
  { name: "usage without input", usage: { outputTokens: 1_000 }, prices: plain, nanoUsd: 15_000_000n, estimated: true },
  {
    name: "an estimate",
    usage: { inputTokens: 1_000, outputTokens: 0, source: UsageSource.ESTIMATED },
    prices: plain,
    nanoUsd: 2_500_000n,
    estimated: true,
  },
  {
    name: "figures that do not add up",
    usage: { inputTokens: 1_000, outputTokens: 0, reportedTotalTokens: 1_200, balanced: false },
    prices: plain,
    nanoUsd: 2_500_000n,
    estimated: true,
  },
  {
    name: "figures reconciled with the bill",
    usage: { inputTokens: 1_000, outputTokens: 0, source: UsageSource.RECONCILED },
    prices: plain,
    nanoUsd: 2_500_000n,
  },

  // Beyond what a double holds, and beyond int64.
  {
    name: "4,000,000,000 tokens at 600 USD a million",
    usage: { inputTokens: 0, outputTokens: 4_000_000_000 },
    prices: prices({ unit: "input", usd: 150 }, { unit: "output", usd: 600 }),
    nanoUsd: 2_400_000_000_000_000n,
  },
  {
    name: "an exact odd product above 2^53",
    usage: { inputTokens: 4_294_967_295, outputTokens: 0 },
    prices: { version: "x", entries: [{ unit: "input", nanoUsd: 600_000_000_001 }] },
    nanoUsd: 2_576_980_377_004_295n, // 4294967295 * 600000000001 / 10^6 = ...004294.967295
  },
  {
    name: "a bill that no int64 holds",
    usage: { inputTokens: 4_294_967_295, outputTokens: 0 },
    prices: { version: "x", entries: [{ unit: "input", nanoUsd: Number.MAX_SAFE_INTEGER }] },
    nanoUsd: 2n ** 63n - 1n,
  },
];
