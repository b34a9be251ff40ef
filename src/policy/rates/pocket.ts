import type { PermitGrant, PermitSource } from "./permit-source.ts";
import type { RateRule } from "./rate-rule.ts";

/** Permits that one request got of one limit, or why it got none. */
export interface PermitShare {
  readonly rule: RateRule;
  readonly count: number;
  /** Whether it got them. */
  readonly granted: boolean;
  readonly slot: number;
  /** Until when they may be used, by the monotonic clock. */
  readonly usableUntilMs: number;
  /** What is left for everybody. */
  readonly left: number;
  readonly retryInMs: number;
  readonly resetInMs: number;
}

// How long a refusal stands before a shared source is asked again: others would only hear the same.
const REFUSAL_STANDS_MS = 50;

/**
 * What this process holds of one limit: permits drawn ahead from a shared source, which requests take at once. Nothing is
 * drawn ahead from a source that does not ask for it.
 */
export class Pocket {
  readonly #source: PermitSource;
  #permits = 0;
  #slot = 0;
  #untilMs = 0;
  #latest: PermitGrant | undefined;
  #drawing: Promise<unknown> | undefined;
  #refusal: { readonly least: number; readonly untilMs: number; readonly grant: PermitGrant } | undefined;

  constructor(source: PermitSource) {
    this.#source = source;
  }

  /** Takes permits, at once where they are there or the source can tell at once. */
  take(rule: RateRule, count: number, nowMs: () => number): PermitShare | Promise<PermitShare> {
    const now = nowMs();
    const known = this.#known(rule, count, now);
    if (known) return known;
    // One asks at a time: what it gets is mostly enough for those who wait with it.
    if (this.#drawing) return this.#drawing.then(() => this.take(rule, count, nowMs));
    const ahead = rule.windowMs === 0 ? 0 : Math.floor(rule.limit * (this.#source.aheadShare ?? 0));
    const { account, limit, windowMs } = rule;
    const answer = this.#source.draw({ account, limit, windowMs, wanted: count + ahead, least: count });
    if (!(answer instanceof Promise)) return this.#keep(rule, count, answer, now);
    const kept = answer.then((grant) => this.#keep(rule, count, grant, now));
    this.#drawing = kept.catch(() => {}).then(() => (this.#drawing = undefined));
    return kept;
  }

  /** Why so many cannot be had now, as far as can be told at once; undefined: they may be. */
  lacks(rule: RateRule, count: number, nowMs: number): PermitShare | undefined {
    if (this.#permits >= count && nowMs <= this.#untilMs) return undefined;
    const { account, limit, windowMs } = rule;
    const grant =
      this.#refusedAt(count, nowMs) ?? this.#source.peek?.({ account, limit, windowMs, wanted: count, least: count });
    return grant && grant.granted < count ? share(rule, count, grant, nowMs) : undefined;
  }

  /** Whether there is nothing to be remembered. */
  isIdle(nowMs: number): boolean {
    return !this.#drawing && (this.#permits === 0 || nowMs > this.#untilMs) && nowMs >= (this.#refusal?.untilMs ?? 0);
  }

  #known(rule: RateRule, count: number, nowMs: number): PermitShare | undefined {
    if (this.#latest && this.#permits >= count && this.#permits > 0 && nowMs <= this.#untilMs) {
      this.#permits -= count;
      const usable = { ...share(rule, count, this.#latest, nowMs), usableUntilMs: this.#untilMs };
      return { ...usable, slot: this.#slot, granted: true, retryInMs: 0 };
    }
    const refusal = this.#refusedAt(count, nowMs);
    return refusal && share(rule, count, refusal, nowMs);
  }

  #refusedAt(count: number, nowMs: number): PermitGrant | undefined {
    const refusal = this.#refusal;
    return refusal && nowMs < refusal.untilMs && count >= refusal.least ? refusal.grant : undefined;
  }

  #keep(rule: RateRule, count: number, grant: PermitGrant, askedMs: number): PermitShare {
    if (grant.granted < count) {
      if (this.#source.aheadShare !== undefined) {
        this.#refusal = { least: count, untilMs: askedMs + Math.min(grant.retryInMs, REFUSAL_STANDS_MS), grant };
      }
      return share(rule, count, grant, askedMs);
    }
    const spare = grant.granted - count;
    if (spare > 0) {
      if (this.#permits > 0) this.#source.giveBack(rule.account, this.#slot, this.#permits);
      this.#permits = spare;
      this.#slot = grant.slot;
      // The source's time runs from when it was asked, since nobody knows when it answered.
      this.#untilMs = askedMs + grant.validForMs;
      this.#latest = grant;
    }
    return share(rule, count, grant, askedMs);
  }
}

function share(rule: RateRule, count: number, grant: PermitGrant, nowMs: number): PermitShare {
  return {
    rule,
    count,
    granted: grant.granted >= count,
    slot: grant.slot,
    usableUntilMs: nowMs + grant.validForMs,
    left: grant.left,
    retryInMs: grant.retryInMs,
    resetInMs: grant.resetInMs ?? rule.windowMs,
  };
}
