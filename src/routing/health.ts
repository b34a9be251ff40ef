import type { ParleyError } from "../errors/index.ts";
import { Ban, type BanTimes } from "./ban.ts";
import type { RestRule, Unavailable } from "./live.ts";
import { Tally } from "./tally.ts";
import { ToldRest, rest } from "./told-rest.ts";

/** When something rests, and for how long; milliseconds. */
export interface HealthRules {
  readonly breaker: BanTimes & { readonly failuresInRow: number; readonly failuresOfLast50: number };
  /** For targets that are worse than their peers or slower than they used to be. */
  readonly outlier: BanTimes;
  readonly quarantine: BanTimes;
  /** How long a credential cools after a 429 that names no time, and how long any cooling may last. */
  readonly cooling: { readonly defaultMs: number; readonly maxMs: number };
  /** How long a target that has recovered gets less than its share. */
  readonly rampMs: number;
}

/** What holds unless it is configured otherwise. */
export const HEALTH_RULES: HealthRules = {
  breaker: { firstMs: 1_000, maxMs: 10_000, failuresInRow: 5, failuresOfLast50: 8 },
  outlier: { firstMs: 5_000, maxMs: 60_000 },
  quarantine: { firstMs: 60_000, maxMs: 600_000 },
  cooling: { defaultMs: 5_000, maxMs: 600_000 },
  rampMs: 10_000,
};

// A target whose failures are this many of its last fifty is an outlier where another one has next to none.
const OUTLIER_FAILURES = 5;
const PEER_FAILURES = 1;
const TELLING_CALLS = 40;

/** The least share of a target that has just recovered. */
const LEAST_SHARE = 0.1;

/** Told when something is to rest, for those who share it: `forMs` 0 says that it works again. */
export type OnRest = (rule: RestRule, forMs: number) => void;

/** Whether one target should be called now. */
export class TargetHealth {
  readonly #rules: HealthRules;
  readonly #onRest: OnRest;
  readonly #breaker: Ban;
  readonly #outlier: Ban;
  readonly #quarantine: Ban;
  readonly #failures = new Tally();
  readonly #slowness = new Tally();
  readonly #told = new ToldRest();
  #coolingUntilMs = 0;
  /** The breaker is open since many calls fail, and not since all do. */
  #onlyBesideOthers = false;
  #recoveredAtMs = -Infinity;

  constructor(rules: HealthRules, onRest: OnRest) {
    this.#rules = rules;
    this.#onRest = onRest;
    this.#breaker = new Ban(rules.breaker);
    this.#outlier = new Ban(rules.outlier);
    this.#quarantine = new Ban(rules.quarantine);
  }

  /** Whether it answers next to all calls, and enough of them to be compared with. */
  get isGoodPeer(): boolean {
    return this.#failures.count >= TELLING_CALLS && this.#failures.bad <= PEER_FAILURES;
  }

  /** Whether anything has happened that is worth remembering. */
  isIdle(nowMs: number): boolean {
    return this.unavailable(nowMs) === undefined && this.share(nowMs) === 1 && this.#failures.bad === 0;
  }

  unavailable(nowMs: number): Unavailable | undefined {
    const quarantine = this.#quarantine.retryInMs(nowMs);
    if (quarantine !== undefined)
      return rest("quarantine", quarantine, "the account may not use the model, or it is gone");
    if (this.#coolingUntilMs > nowMs) {
      return rest("cooling", this.#coolingUntilMs - nowMs, "the provider asked to wait before it is called again");
    }
    const breaker = this.#breaker.retryInMs(nowMs);
    if (breaker !== undefined) {
      return this.#onlyBesideOthers
        ? { ...rest("breaker", breaker, "too many of its last calls failed"), onlyBesideOthers: true }
        : rest("breaker", breaker, "its last calls failed one after the other");
    }
    const outlier = this.#outlier.retryInMs(nowMs);
    if (outlier !== undefined) {
      const why = "it fails more often than others, or answers much later than it used to";
      return { ...rest("outlier", outlier, why), onlyBesideOthers: true };
    }
    return this.#told.unavailable(nowMs);
  }

  /** How long a rest has been over that nobody has tried out, in milliseconds; undefined: there is none. */
  waitsForProbeMs(nowMs: number): number | undefined {
    // How quickly it answers is for callers' requests to tell.
    return this.#breaker.waitsForProbeMs(nowMs) ?? this.#quarantine.waitsForProbeMs(nowMs);
  }

  share(nowMs: number): number {
    const passed = (nowMs - this.#recoveredAtMs) / this.#rules.rampMs;
    return passed >= 1 ? 1 : LEAST_SHARE + (1 - LEAST_SHARE) * passed;
  }

  begin(nowMs: number, call: number): void {
    this.#breaker.begin(nowMs, call);
    this.#outlier.begin(nowMs, call);
    this.#quarantine.begin(nowMs, call);
  }

  /** It answered; `slow`: much later than it used to. Returns whether a probe was as slow as before. */
  succeeded(nowMs: number, call: number, latestCall: number, slow: boolean): boolean {
    this.#failures.add(false);
    const answersAgain = this.#breaker.lift(nowMs, call);
    const isThereAgain = this.#quarantine.lift(nowMs, call);
    const keepsUpAgain = !slow && this.#outlier.lift(nowMs, call);
    if (answersAgain || isThereAgain || keepsUpAgain) this.#recover(nowMs);
    return this.waited(nowMs, call, latestCall, slow);
  }

  /** A caller waited, whether or not there was an answer then. Returns whether a probe was as slow as before. */
  waited(nowMs: number, call: number, latestCall: number, slow: boolean): boolean {
    this.#slowness.add(slow);
    const stillSlow = slow && this.#outlier.isProbe(call);
    const { badInRow, bad } = this.#slowness;
    const { failuresInRow, failuresOfLast50 } = this.#rules.breaker;
    const tooSlow = slow && !this.#outlier.active && (badInRow >= failuresInRow || bad >= failuresOfLast50);
    if (stillSlow || tooSlow) this.#eject(nowMs, latestCall);
    else this.release(call);
    return stillSlow;
  }

  /** It failed. `hasGoodPeer`: whether others hardly fail at the moment. */
  failed(nowMs: number, call: number, latestCall: number, error: ParleyError, hasGoodPeer: () => boolean): void {
    this.#failures.add(true);
    if (error.retryDelayMs !== undefined) this.#cool(nowMs, error.retryDelayMs);
    const { badInRow, bad, count } = this.#failures;
    const { failuresInRow, failuresOfLast50 } = this.#rules.breaker;
    const allFail = badInRow >= failuresInRow;
    if (this.#breaker.active) {
      if (allFail) this.#onlyBesideOthers = false;
      if (this.#breaker.isProbe(call)) this.#open(nowMs, latestCall);
    } else if (allFail || bad >= failuresOfLast50) {
      this.#onlyBesideOthers = !allFail;
      this.#open(nowMs, latestCall);
    } else if (this.#outlier.isProbe(call)) this.#eject(nowMs, latestCall);
    else if (!this.#outlier.active && count >= TELLING_CALLS && bad >= OUTLIER_FAILURES && hasGoodPeer()) {
      this.#eject(nowMs, latestCall);
    }
    this.release(call);
  }

  /** The account may not use its model, or the model is gone. */
  refused(nowMs: number, call: number, latestCall: number): void {
    if (this.#quarantine.active && !this.#quarantine.isProbe(call)) return this.release(call);
    this.#quarantine.impose(nowMs, latestCall);
    this.#onRest("quarantine", this.#quarantine.lengthMs);
    this.release(call);
  }

  /** The call tells nothing. */
  release(call: number): void {
    this.#breaker.release(call);
    this.#outlier.release(call);
    this.#quarantine.release(call);
  }

  /** Another replica says that it should rest. */
  told(nowMs: number, rule: RestRule, forMs: number): void {
    this.#told.set(nowMs, rule, forMs);
  }

  #open(nowMs: number, latestCall: number): void {
    this.#breaker.impose(nowMs, latestCall);
    this.#failures.clear();
    this.#onRest("breaker", this.#breaker.lengthMs);
  }

  #eject(nowMs: number, latestCall: number): void {
    this.#outlier.impose(nowMs, latestCall);
    this.#failures.clear();
    this.#slowness.clear();
    this.#onRest("outlier", this.#outlier.lengthMs);
  }

  // A minute at most: what keeps a whole provider away for longer is its breaker's affair.
  #cool(nowMs: number, delayMs: number): void {
    const forMs = Math.min(delayMs, this.#rules.quarantine.firstMs);
    this.#coolingUntilMs = Math.max(this.#coolingUntilMs, nowMs + forMs);
    this.#onRest("cooling", forMs);
  }

  #recover(nowMs: number): void {
    this.#recoveredAtMs = nowMs;
    this.#slowness.clear();
    this.#onRest("breaker", 0);
  }
}

/** Whether one credential should be used now. */
export class CredentialHealth {
  readonly #rules: HealthRules;
  readonly #onRest: OnRest;
  readonly #quarantine: Ban;
  readonly #told = new ToldRest();
  #coolingUntilMs = 0;
  #coolingSince = 0;
  #refusedAt: string | undefined;
  #lastAnswerMs = -Infinity;

  constructor(rules: HealthRules, onRest: OnRest) {
    this.#rules = rules;
    this.#onRest = onRest;
    this.#quarantine = new Ban(rules.quarantine);
  }

  unavailable(nowMs: number): Unavailable | undefined {
    const quarantine = this.#quarantine.retryInMs(nowMs);
    if (quarantine !== undefined) {
      return rest(
        "quarantine",
        quarantine,
        "the provider rejects the credential, or its account has no credit or quota",
      );
    }
    if (this.#coolingUntilMs > nowMs) {
      return rest("cooling", this.#coolingUntilMs - nowMs, "the provider limits the credential's rate");
    }
    return this.#told.unavailable(nowMs);
  }

  /** How long a quarantine has been over that nobody has tried out, in milliseconds; undefined: there is none. */
  waitsForProbeMs(nowMs: number): number | undefined {
    return this.#quarantine.waitsForProbeMs(nowMs);
  }

  begin(nowMs: number, call: number): void {
    this.#quarantine.begin(nowMs, call);
  }

  succeeded(nowMs: number, call: number): void {
    this.#refusedAt = undefined;
    this.#lastAnswerMs = nowMs;
    const lifted = this.#quarantine.lift(nowMs, call);
    const cooled = this.#coolingUntilMs > nowMs && call > this.#coolingSince;
    if (cooled) this.#coolingUntilMs = 0;
    if (lifted || cooled) this.#onRest("quarantine", 0);
  }

  /** A 429: cools for as long as the provider asks. */
  limited(nowMs: number, call: number, latestCall: number, error: ParleyError): void {
    const { defaultMs, maxMs } = this.#rules.cooling;
    const forMs = Math.min(error.retryDelayMs ?? defaultMs, maxMs);
    this.#coolingUntilMs = Math.max(this.#coolingUntilMs, nowMs + forMs);
    this.#coolingSince = latestCall;
    this.#quarantine.release(call);
    this.#onRest("cooling", forMs);
  }

  /** The account cannot be used. */
  rejected(nowMs: number, call: number, latestCall: number, error: ParleyError): void {
    if (this.#quarantine.active && !this.#quarantine.isProbe(call)) return;
    const atLeastMs = Math.min(error.retryDelayMs ?? 0, this.#rules.quarantine.maxMs);
    this.#quarantine.impose(nowMs, latestCall, atLeastMs);
    this.#onRest("quarantine", this.#quarantine.lengthMs);
  }

  /**
   * The account may not use one target. A second one says that it may use none, where nothing was answered for a while:
   * callers choose the models, and asking for two of them must not keep a working account from everybody.
   */
  refusedAt(nowMs: number, call: number, latestCall: number, target: string, error: ParleyError): void {
    const isSecond = this.#refusedAt !== undefined && this.#refusedAt !== target;
    const isSilent = nowMs - this.#lastAnswerMs > this.#rules.quarantine.firstMs;
    if (isSecond && isSilent) this.rejected(nowMs, call, latestCall, error);
    else this.#quarantine.release(call);
    this.#refusedAt = target;
  }

  release(call: number): void {
    this.#quarantine.release(call);
  }

  told(nowMs: number, rule: RestRule, forMs: number): void {
    this.#told.set(nowMs, rule, forMs);
  }
}
