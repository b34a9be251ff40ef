import type { PriceEntry, PriceList } from "../catalog/facts.ts";
import type { Target } from "./target.ts";

/** Tokens of a request as far as they can be told before it is sent. */
export interface RequestTokens {
  readonly likelyInput: number;
  readonly mostInput: number;
  /** The output limit that the request sets; undefined: the target's own. */
  readonly outputLimit: number | undefined;
  /** How many answers are asked for. */
  readonly candidates: number;
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
  const limit = tokens.outputLimit ?? target.facts.maxOutputTokens;
  if (!tariff || limit === undefined) return undefined;
  const input = BigInt(tokens.mostInput) * BigInt(tariff.dearestInput);
  const output = BigInt(limit) * BigInt(tokens.candidates) * BigInt(tariff.dearestOutput);
  return (input + output + BigInt(TOKENS_PER_PRICE) - 1n) / BigInt(TOKENS_PER_PRICE);
}

/** A price list, made ready for comparing: nano-USD per million tokens. */
interface Tariff {
  readonly dearestInput: number;
  readonly dearestOutput: number;
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

const INPUT_UNITS = new Set(["input", "cache_write", "cache_read", "input_audio", "input_image", "input_video"]);
const OUTPUT_UNITS = new Set(["output", "reasoning", "output_audio", "output_image"]);

function makeTariff({ entries }: PriceList): Tariff | undefined {
  const steps = stepsOf(entries);
  const [first] = steps;
  if (!first) return undefined;
  return {
    dearestInput: dearest(entries, INPUT_UNITS),
    dearestOutput: dearest(entries, OUTPUT_UNITS),
    usual: (inputTokens) => (steps.length === 1 ? first : (steps.findLast((one) => inputTokens >= one.above) ?? first)),
  };
}

function dearest(entries: readonly PriceEntry[], units: ReadonlySet<string>): number {
  return Math.max(...entries.filter((one) => units.has(one.unit)).map((one) => one.nanoUsd));
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
