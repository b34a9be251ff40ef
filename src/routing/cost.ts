import type { PriceEntry, PriceList } from "../catalog/facts.ts";
import { Modality, type ChatRequest, type Part } from "../contract/index.ts";
import type { Target } from "./target.ts";

/** Tokens of a request as far as they can be told before it is sent. */
export interface RequestTokens {
  readonly likelyInput: number;
  readonly mostInput: number;
  /** The output limit that the request sets; undefined: the target's own. */
  readonly outputLimit: number | undefined;
  /** How many answers are asked for. */
  readonly candidates: number;
  /** Output that is billed beyond the limit: of a prediction what the model rejects. */
  readonly predicted?: number;
  /** Units beside text by which it may be priced: `input_audio`, `input_image`, `input_video`, `output_audio`. */
  readonly kinds?: readonly string[];
}

/** What a request may cost by, its input as the ledger bounds it. */
export function requestTokens(
  request: ChatRequest,
  input: { readonly likely: number; readonly upperBound: number },
): RequestTokens {
  const { sampling, prediction } = request;
  return {
    likelyInput: input.likely,
    mostInput: input.upperBound,
    outputLimit: sampling?.maxOutputTokens,
    candidates: sampling?.candidates ?? 1,
    predicted: prediction.reduce((sum, { kind }) => sum + (kind.case === "text" ? kind.value.text.length * 3 : 0), 0),
    kinds: kindsOf(request),
  };
}

const MEDIA_UNITS: Readonly<Partial<Record<Modality, string>>> = {
  [Modality.AUDIO]: "input_audio",
  [Modality.IMAGE]: "input_image",
  [Modality.VIDEO]: "input_video",
  // Its pages are images.
  [Modality.DOCUMENT]: "input_image",
};

function kindsOf({ messages, output }: ChatRequest): readonly string[] {
  const kinds: string[] = output?.modalities.includes(Modality.AUDIO) ? ["output_audio"] : [];
  for (const { parts } of messages) for (const part of parts) addKinds(part, kinds);
  return kinds;
}

function addKinds({ kind }: Part, kinds: string[]): void {
  if (kind.case === "toolResult" || kind.case === "searchResult") {
    for (const part of kind.value.content) addKinds(part, kinds);
  }
  const unit = kind.case === "media" ? MEDIA_UNITS[kind.value.modality] : undefined;
  if (unit !== undefined && !kinds.includes(unit)) kinds.push(unit);
}

/** What an answer is taken to have where nobody knows: only for comparing targets, for which any figure would do. */
const LIKELY_OUTPUT_TOKENS = 500;

/** A request of which nothing is known, to compare prices by. */
export const TYPICAL_TOKENS: RequestTokens = {
  likelyInput: 1_500,
  mostInput: 1_500,
  outputLimit: undefined,
  candidates: 1,
};

const TOKENS_PER_PRICE = 1_000_000;

/** About what a request costs at a target, in nano-USD, to rank by; undefined: a price is not known. */
export function likelyCostNanoUsd(target: Target, tokens: RequestTokens): number | undefined {
  const tariff = tariffOf(target);
  if (!tariff) return undefined;
  const { input, output } = tariff.usual(tokens.likelyInput);
  const outputTokens = Math.min(tokens.outputLimit ?? LIKELY_OUTPUT_TOKENS, LIKELY_OUTPUT_TOKENS) * tokens.candidates;
  return (tokens.likelyInput * input + outputTokens * output) / TOKENS_PER_PRICE;
}

/**
 * The most that the tokens of a request can cost at a target, in nano-USD; undefined: a price or the output limit is not
 * known. What is metered otherwise, such as searches, is not in it.
 */
export function worstCostNanoUsd(target: Target, tokens: RequestTokens): bigint | undefined {
  const tariff = tariffOf(target);
  if (!tariff) return undefined;
  const { kinds = [], candidates, predicted = 0, mostInput } = tokens;
  const outputPrice = tariff.dearestOutput(kinds);
  // What costs nothing needs no bound.
  const limit = tokens.outputLimit ?? target.facts.maxOutputTokens ?? (outputPrice === 0 ? 0 : undefined);
  if (limit === undefined) return undefined;
  const input = BigInt(mostInput) * BigInt(tariff.dearestInput(kinds));
  const output = (BigInt(limit) + BigInt(predicted)) * BigInt(candidates) * BigInt(outputPrice);
  return (input + output + BigInt(TOKENS_PER_PRICE) - 1n) / BigInt(TOKENS_PER_PRICE);
}

/**
 * The output limit at which a request can cost no more than `nanoUsd` at a target; below 1 where no output is left;
 * undefined: a price is not known, or output is free.
 */
export function affordableOutput(target: Target, tokens: RequestTokens, nanoUsd: number): number | undefined {
  const tariff = tariffOf(target);
  if (!tariff) return undefined;
  const { kinds = [], candidates, predicted = 0, mostInput } = tokens;
  const perToken = BigInt(candidates) * BigInt(tariff.dearestOutput(kinds));
  if (perToken === 0n) return undefined;
  const input = BigInt(mostInput) * BigInt(tariff.dearestInput(kinds));
  const left = BigInt(nanoUsd) * BigInt(TOKENS_PER_PRICE) - input;
  return left < 0n ? 0 : Number(left / perToken) - predicted;
}

/** Whether input and output have a price at a target. */
export function isPriced(target: Target): boolean {
  return tariffOf(target) !== undefined;
}

/** Whether nothing costs anything at a target. */
export function isFree({ facts }: Target): boolean {
  return facts.prices !== undefined && facts.prices.entries.every(({ nanoUsd }) => nanoUsd === 0);
}

/** Whether the price of a processing tier, in the provider's words, is known at a target. */
export function hasPriceOfTier({ facts }: Target, tier: string): boolean {
  return DEFAULT_TIERS.has(tier) || (facts.prices?.entries.some(({ serviceTier }) => serviceTier === tier) ?? false);
}

// Words that providers use for the tier that has no price of its own; flex and batch are never dearer than it.
const DEFAULT_TIERS = new Set(["", "auto", "default", "standard", "standard_only", "on_demand", "flex", "batch"]);

/** A price list, made ready for comparing: nano-USD per million tokens. */
interface Tariff {
  /** Whatever its tier, its length and its place in a cache; `kinds`: what there is beside text. */
  dearestInput(kinds: readonly string[]): number;
  dearestOutput(kinds: readonly string[]): number;
  /** Without a processing tier, for so many tokens of input. */
  usual(inputTokens: number): { readonly input: number; readonly output: number };
}

// Price lists live as long as the configuration.
const tariffs = new WeakMap<PriceList, Tariff | "unknown">();

function tariffOf({ facts }: Target): Tariff | undefined {
  if (!facts.prices) return undefined;
  let tariff = tariffs.get(facts.prices);
  if (tariff === undefined) tariffs.set(facts.prices, (tariff = makeTariff(facts.prices) ?? "unknown"));
  return tariff === "unknown" ? undefined : tariff;
}

const INPUT_UNITS = ["input", "cache_write", "cache_read"];
const OUTPUT_UNITS = ["output", "reasoning", "output_image"];

function makeTariff({ entries }: PriceList): Tariff | undefined {
  const steps = stepsOf(entries);
  const [first] = steps;
  if (!first) return undefined;
  const [input, output] = [dearest(entries, INPUT_UNITS), dearest(entries, OUTPUT_UNITS)];
  const withKinds = (usual: number, kinds: readonly string[], side: string): number =>
    kinds.length === 0
      ? usual
      : Math.max(
          usual,
          dearest(
            entries,
            kinds.filter((one) => one.startsWith(side)),
          ),
        );
  return {
    dearestInput: (kinds) => withKinds(input, kinds, "input"),
    dearestOutput: (kinds) => withKinds(output, kinds, "output"),
    usual: (inputTokens) => (steps.length === 1 ? first : (steps.findLast((one) => inputTokens >= one.above) ?? first)),
  };
}

function dearest(entries: readonly PriceEntry[], units: readonly string[]): number {
  return Math.max(0, ...entries.filter((one) => units.includes(one.unit)).map((one) => one.nanoUsd));
}

interface Step {
  readonly above: number;
  readonly input: number;
  readonly output: number;
}

/** Prices by the length of the input, shortest first; empty where input or output has no price. */
function stepsOf(entries: readonly PriceEntry[]): Step[] {
  const plain = entries.filter((one) => (one.serviceTier ?? "") === "");
  const at = (unit: string, above: number): number | undefined =>
    plain
      .filter((one) => one.unit === unit && (one.aboveInputTokens ?? 0) <= above)
      .toSorted((a, b) => (a.aboveInputTokens ?? 0) - (b.aboveInputTokens ?? 0))
      .at(-1)?.nanoUsd;
  const thresholds = [...new Set([0, ...plain.map((one) => one.aboveInputTokens ?? 0)])].toSorted((a, b) => a - b);
  return thresholds.flatMap((above) => {
    const input = at("input", above);
    const output = at("output", above);
    return input === undefined || output === undefined ? [] : [{ above, input, output }];
  });
}
