import { ParleyError } from "../../errors/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { PermitSource } from "./permit-source.ts";
import { Pocket, type PermitShare, type PocketParts } from "./pocket.ts";
import type { RateRule } from "./rate-rule.ts";

/** Tokens that a request or an attempt may use; worked out only where a limit counts tokens. */
export interface TokenNeed {
  /** As far as can be told beforehand. */
  readonly most: number;
  /** Without what may come out less: where nobody has limited the output, the input alone. */
  readonly atLeast: number;
}

/** How a limit stands, for the caller. */
export interface RateFigure {
  readonly kind: RateRule["kind"];
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until all is left again, if nothing comes. */
  readonly resetInMs: number;
}

/** What a request or an attempt holds of its limits, or why it may not go on now. */
export interface RateDecision {
  /** `RATE_LIMITED` with the time to wait, or `REQUEST_TOO_LARGE` where waiting is in vain; undefined: it may go on. */
  readonly refusal: ParleyError | undefined;
  readonly figures: readonly RateFigure[];
  /** It is over: what runs no more and tokens that were not used go back. A second call does nothing. */
  readonly end: (usedTokens: number) => void;
}

/** Takes permits of several limits at a time: all, or none. */
export class RateLimiter {
  readonly #source: PermitSource;
  readonly #runtime: Runtime;
  readonly #parts: PocketParts;
  readonly #pockets = new Map<string, Pocket>();
  #sweepAt = MANY_ACCOUNTS;

  /** `aheadShare`: the share of a limit that is drawn ahead of requests, so that few of them wait for a shared source. */
  constructor(source: PermitSource, runtime: Runtime, { aheadShare = 0 }: { readonly aheadShare?: number } = {}) {
    this.#source = source;
    this.#runtime = runtime;
    this.#parts = { source, runtime, aheadShare };
  }

  /** Takes what each limit asks of a request. Answers at once unless a shared source has to be asked; may reject then. */
  take(rules: readonly RateRule[], tokens: () => TokenNeed): RateDecision | Promise<RateDecision> {
    const need = rules.some(({ kind }) => kind === "tokens") ? tokens() : NO_TOKENS;
    const vain = rules.find((rule) => countOf(rule, need) > rule.limit);
    if (vain) return { refusal: tooLarge(vain, need), figures: [], end: () => {} };
    const shares: PermitShare[] = [];
    for (const [index, rule] of rules.entries()) {
      const got = this.#pocket(rule).take(rule, countOf(rule, need));
      if (got instanceof Promise) return this.#takeRest(rules.slice(index), need, shares, got);
      shares.push(got);
    }
    return this.#decide(shares);
  }

  /** The longest that one of these limits makes an attempt wait, as far as can be told at once; undefined: none does. */
  lacks(rules: readonly RateRule[], tokens: () => TokenNeed): PermitShare | undefined {
    const need = rules.some(({ kind }) => kind === "tokens") ? tokens() : NO_TOKENS;
    let longest: PermitShare | undefined;
    for (const rule of rules) {
      const lack = this.#pocket(rule).lacks(rule, countOf(rule, need));
      if (lack && lack.retryInMs >= (longest?.retryInMs ?? 0)) longest = lack;
    }
    return longest;
  }

  async #takeRest(
    rules: readonly RateRule[],
    need: TokenNeed,
    shares: PermitShare[],
    first: Promise<PermitShare>,
  ): Promise<RateDecision> {
    try {
      shares.push(await first);
      for (const rule of rules.slice(1)) {
        shares.push(await this.#pocket(rule).take(rule, countOf(rule, need)));
      }
    } catch (thrown) {
      this.#giveBack(shares);
      throw thrown;
    }
    const nowMs = this.#runtime.monotonicMs();
    // Permits that have run out while others were asked for count no more.
    return this.#decide(shares, (one) => one.rule.windowMs === 0 || one.usableUntilMs >= nowMs);
  }

  #decide(shares: readonly PermitShare[], isUsable: (share: PermitShare) => boolean = () => true): RateDecision {
    const lacking = shares.filter((one) => !one.granted);
    const stale = lacking.length === 0 && !shares.every(isUsable);
    if (lacking.length > 0 || stale) {
      this.#giveBack(shares);
      const figures = shares.map((one) => figureOf(one, one.granted ? one.count : 0));
      return { refusal: refused(stale ? shares : lacking), figures, end: () => {} };
    }
    let over = false;
    return {
      refusal: undefined,
      figures: shares.map((one) => figureOf(one, 0)),
      end: (usedTokens) => {
        if (over) return;
        over = true;
        for (const one of shares) this.#settle(one, usedTokens);
      },
    };
  }

  #settle({ rule, slot, count }: PermitShare, usedTokens: number): void {
    const { account, limit, windowMs, kind } = rule;
    if (kind === "concurrency") return this.#pocket(rule).release(rule, slot, count);
    if (kind === "requests") return;
    if (usedTokens <= count) return this.#source.giveBack(account, slot, count - usedTokens);
    // What was used beyond what could be told beforehand is used: later requests wait for it.
    const late = this.#source.draw({ account, limit, windowMs, wanted: usedTokens - count, least: 0 });
    if (late instanceof Promise) late.catch(() => {});
  }

  #giveBack(shares: readonly PermitShare[]): void {
    for (const { rule, slot, count, granted } of shares) if (granted) this.#source.giveBack(rule.account, slot, count);
  }

  // By account: rules are compiled anew with each change of the configuration, and what is counted goes on.
  #pocket({ account }: RateRule): Pocket {
    const known = this.#pockets.get(account);
    if (known) return known;
    if (this.#pockets.size >= this.#sweepAt) this.#sweep();
    const pocket = new Pocket(this.#parts);
    this.#pockets.set(account, pocket);
    return pocket;
  }

  #sweep(): void {
    for (const [account, pocket] of this.#pockets) if (pocket.isIdle) this.#pockets.delete(account);
    this.#sweepAt = Math.max(MANY_ACCOUNTS, this.#pockets.size * 2);
  }
}

/** Accounts of which nothing is held are forgotten when there are more than this. */
const MANY_ACCOUNTS = 4_096;

const NO_TOKENS: TokenNeed = { most: 0, atLeast: 0 };

// Where nobody has limited the output, a small limit is not exceeded by a guess.
function countOf({ kind, limit }: RateRule, { most, atLeast }: TokenNeed): number {
  if (kind !== "tokens") return 1;
  return most > limit && atLeast <= limit ? limit : most;
}

function figureOf({ rule, left, resetInMs }: PermitShare, givenBack: number): RateFigure {
  return { kind: rule.kind, limit: rule.limit, remaining: Math.max(0, Math.floor(left + givenBack)), resetInMs };
}

function refused(shares: readonly PermitShare[]): ParleyError {
  const longest = shares.reduce((one, other) => (other.retryInMs > one.retryInMs ? other : one));
  const { rule, count } = longest;
  const waitMs = Math.max(1, Math.ceil(longest.retryInMs));
  const lack =
    rule.kind === "tokens" ? `leaves ${Math.floor(longest.left)} of the ${count} that it may use` : "is used up";
  const text = `Cannot accept the request now: ${rule.text} ${lack}; try again in ${waitMs / 1000} s`;
  return new ParleyError("RATE_LIMITED", text, { retryDelayMs: waitMs });
}

function tooLarge(rule: RateRule, { most }: TokenNeed): ParleyError {
  const text = `Cannot accept the request: it may use ${most} tokens, which is more than ${rule.text} ever allows; shorten the conversation, or lower sampling.max_output_tokens`;
  return new ParleyError("REQUEST_TOO_LARGE", text, { field: "sampling.max_output_tokens" });
}
