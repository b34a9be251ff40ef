import type { Runtime, Timer } from "../../runtime/runtime.ts";
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

/** What pockets of a process share. */
export interface PocketParts {
  readonly source: PermitSource;
  readonly runtime: Runtime;
  /** Share of a limit that is drawn ahead; 0: nothing is, and no refusal is remembered. */
  readonly aheadShare: number;
}

// How long a refusal stands before a shared source is asked again: others would only hear the same.
const REFUSAL_STANDS_MS = 50;

/**
 * What this process holds of one limit: permits drawn ahead from a shared source, which requests take at once. They go
 * back when their time is over and nobody has come.
 */
export class Pocket {
  readonly #parts: PocketParts;
  #permits = 0;
  #grant: PermitGrant | undefined;
  #untilMs = 0;
  #expiry: Timer | undefined;
  #drawing: Promise<unknown> | undefined;
  #refusal: { readonly least: number; readonly untilMs: number; readonly grant: PermitGrant } | undefined;

  constructor(parts: PocketParts) {
    this.#parts = parts;
  }

  /** Takes permits, at once where they are there or the source can tell at once. */
  take(rule: RateRule, count: number): PermitShare | Promise<PermitShare> {
    const known = this.#known(rule, count);
    if (known) return known;
    // One asks at a time: what it gets is mostly enough for those who wait with it.
    if (this.#drawing) return this.#drawing.then(() => this.take(rule, count));
    const { source } = this.#parts;
    const { account, limit, windowMs } = rule;
    const answer = source.draw({ account, limit, windowMs, wanted: count + this.#aheadOf(rule), least: count });
    if (!(answer instanceof Promise)) return this.#keep(rule, count, answer);
    const kept = answer.then((grant) => this.#keep(rule, count, grant));
    this.#drawing = kept.catch(() => {}).then(() => (this.#drawing = undefined));
    return kept;
  }

  /** Why so many cannot be had now, as far as can be told at once; undefined: they may be. */
  lacks(rule: RateRule, count: number): PermitShare | undefined {
    const nowMs = this.#nowMs();
    if (this.#permits >= count && nowMs <= this.#untilMs) return undefined;
    const { account, limit, windowMs } = rule;
    const draw = { account, limit, windowMs, wanted: count, least: count };
    const grant = this.#refusedAt(count, nowMs) ?? this.#parts.source.peek?.(draw);
    return grant && grant.granted < count ? share(rule, count, grant, nowMs) : undefined;
  }

  /** What runs no more: the next request may have it at once, as long as it is no more than is drawn ahead anyway. */
  release(rule: RateRule, slot: number, count: number): void {
    const isHere = this.#grant !== undefined && this.#nowMs() <= this.#untilMs;
    if (isHere && this.#permits + count <= this.#aheadOf(rule)) this.#permits += count;
    else this.#parts.source.giveBack(rule.account, slot, count);
  }

  /** Whether there is nothing to be remembered. */
  get isIdle(): boolean {
    return !this.#drawing && this.#permits === 0 && this.#nowMs() >= (this.#refusal?.untilMs ?? 0);
  }

  #known(rule: RateRule, count: number): PermitShare | undefined {
    const nowMs = this.#nowMs();
    if (this.#grant && this.#permits >= count && nowMs <= this.#untilMs) {
      this.#permits -= count;
      return { ...share(rule, count, this.#grant, nowMs), granted: true, retryInMs: 0, usableUntilMs: this.#untilMs };
    }
    const refusal = this.#refusedAt(count, nowMs);
    return refusal && share(rule, count, refusal, nowMs);
  }

  #refusedAt(count: number, nowMs: number): PermitGrant | undefined {
    const refusal = this.#refusal;
    return refusal && nowMs < refusal.untilMs && count >= refusal.least ? refusal.grant : undefined;
  }

  #keep(rule: RateRule, count: number, grant: PermitGrant): PermitShare {
    const nowMs = this.#nowMs();
    if (grant.granted >= count) this.#putAside(rule, grant.granted - count, grant, nowMs);
    else if (this.#parts.aheadShare > 0) {
      this.#refusal = { least: count, untilMs: nowMs + Math.min(grant.retryInMs, REFUSAL_STANDS_MS), grant };
    }
    return share(rule, count, grant, nowMs);
  }

  #putAside({ account }: RateRule, spare: number, grant: PermitGrant, nowMs: number): void {
    if (spare === 0) return;
    this.#giveBack(account);
    this.#permits = spare;
    this.#grant = grant;
    this.#untilMs = nowMs + grant.validForMs;
    this.#expiry = this.#parts.runtime.setTimer(grant.validForMs, () => this.#giveBack(account));
  }

  #giveBack(account: string): void {
    this.#expiry?.cancel();
    if (this.#permits > 0) this.#parts.source.giveBack(account, this.#grant?.slot ?? 0, this.#permits);
    this.#permits = 0;
    this.#grant = undefined;
  }

  #aheadOf({ kind, limit }: RateRule): number {
    const { aheadShare } = this.#parts;
    if (aheadShare === 0) return 0;
    const ahead = Math.floor(limit * aheadShare);
    return kind === "tokens" ? ahead : Math.max(1, ahead);
  }

  #nowMs(): number {
    return this.#parts.runtime.monotonicMs();
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
