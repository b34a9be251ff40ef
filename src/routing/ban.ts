/** How long a ban lasts, in milliseconds: the first time, and at most. */
export interface BanTimes {
  readonly firstMs: number;
  readonly maxMs: number;
}

// While the one probe runs, whoever asks may ask again after this.
const PROBE_RECHECK_MS = 1_000;

/**
 * Keeps calls away for a while, twice as long each time up to a limit. When its time is over one call may go as a probe:
 * if it goes well the ban is lifted, else it begins anew. Calls are told apart by numbers that count up, so that one that
 * began before the ban proves nothing about the time after it.
 */
export class Ban {
  readonly #times: BanTimes;
  #active = false;
  #untilMs = 0;
  #lengthMs = 0;
  #liftedAtMs = -Infinity;
  /** Number of the latest call when it was imposed. */
  #since = 0;
  #probe: number | undefined;

  constructor(times: BanTimes) {
    this.#times = times;
  }

  get active(): boolean {
    return this.#active;
  }

  /** How long it lasts this time, in milliseconds. */
  get lengthMs(): number {
    return this.#lengthMs;
  }

  /** Milliseconds until it is worth asking again; undefined: a call may go. */
  retryInMs(nowMs: number): number | undefined {
    if (!this.#active) return undefined;
    if (nowMs < this.#untilMs) return this.#untilMs - nowMs;
    return this.#probe === undefined ? undefined : PROBE_RECHECK_MS;
  }

  /** How long its time has been over without a probe, in milliseconds; undefined: it is not. */
  waitsForProbeMs(nowMs: number): number | undefined {
    return this.#active && this.#probe === undefined && nowMs >= this.#untilMs ? nowMs - this.#untilMs : undefined;
  }

  /** Begins it, or prolongs it; `latestCall` is the number of the call that began last. */
  impose(nowMs: number, latestCall: number, atLeastMs = 0): void {
    const { firstMs, maxMs } = this.#times;
    // What has worked only for a moment continues where it was.
    const isNew = !this.#active && nowMs - this.#liftedAtMs > maxMs;
    this.#lengthMs = Math.max(isNew ? firstMs : Math.min(maxMs, Math.max(firstMs, this.#lengthMs * 2)), atLeastMs);
    this.#untilMs = nowMs + this.#lengthMs;
    this.#active = true;
    this.#since = latestCall;
    this.#probe = undefined;
  }

  /** A call goes out: it is the probe where one is due. */
  begin(nowMs: number, call: number): void {
    if (this.#active && this.#probe === undefined && nowMs >= this.#untilMs) this.#probe = call;
  }

  isProbe(call: number): boolean {
    return this.#probe === call;
  }

  /** The call says nothing either way: another one may be the probe. */
  release(call: number): void {
    if (this.#probe === call) this.#probe = undefined;
  }

  /** The call went well. Returns whether that lifts the ban. */
  lift(nowMs: number, call: number): boolean {
    if (!this.#active || call <= this.#since) return false;
    this.#active = false;
    this.#probe = undefined;
    this.#liftedAtMs = nowMs;
    return true;
  }
}
