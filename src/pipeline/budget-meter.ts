import type { Usage } from "../contract/index.ts";
import type { ParleyError } from "../errors/index.ts";
import { costOf } from "../ledger/pricing.ts";
import type { RequestTokens } from "../routing/cost.ts";
import type { Target } from "../routing/target.ts";
import { beyondHold } from "./budget-exceeded.ts";

// No tokenizer gets more out of a token over a whole text, but a short one may be all white space or one repeated sign.
const MOST_CHARS_PER_TOKEN = 16;
const CHARS_OF_GRACE = 4_096;

/**
 * Watches a stream for whether its provider goes beyond what is held for it. Looked at once per read: a comparison, and a
 * sum only where the provider has told usage.
 */
export class BudgetMeter {
  readonly #target: Target;
  readonly #nanoUsd: number;
  readonly #mostChars: number;
  #usage: Usage | undefined;

  constructor(target: Target, { outputLimit, candidates }: RequestTokens, nanoUsd: number) {
    this.#target = target;
    this.#nanoUsd = nanoUsd;
    const limit = outputLimit ?? target.facts.maxOutputTokens ?? Infinity;
    this.#mostChars = limit * candidates * MOST_CHARS_PER_TOKEN + CHARS_OF_GRACE;
  }

  /** What is wrong with an answer that has come so far; undefined: nothing. */
  check(outputChars: number, usage: Usage | undefined): ParleyError | undefined {
    if (outputChars > this.#mostChars) return beyondHold(this.#target);
    if (usage === this.#usage || usage === undefined) return undefined;
    this.#usage = usage;
    const cost = costOf(usage, this.#target.facts.prices, undefined)?.nanoUsd;
    return cost !== undefined && cost > BigInt(this.#nanoUsd) ? beyondHold(this.#target) : undefined;
  }
}
