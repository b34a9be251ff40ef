import type { Runtime, Timer } from "./runtime.ts";

interface ScheduledTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Virtual time for tests: nothing happens until `advance` is called, and a seed repeats all randomness. */
export class VirtualRuntime implements Runtime {
  #nowMs: number;
  readonly #startMs: number;
  #order = 0;
  #ids = 0;
  #seed: number;
  readonly #timers = new Set<ScheduledTimer>();

  constructor(options: { startMs?: number; seed?: number } = {}) {
    this.#startMs = options.startMs ?? 1_700_000_000_000;
    this.#nowMs = this.#startMs;
    this.#seed = options.seed ?? 1;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  // Virtual time has real turns: what a turn groups does not depend on the clock.
  afterTurn(callback: () => void): void {
    setImmediate(callback);
  }

  /** Number of timers that still run: a request that has ended must leave none. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves time forward and runs what falls due, in order; promises settle between two timers. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    for (;;) {
      await settle();
      const next = this.#nextDue(endMs);
      if (!next) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    this.#nowMs = endMs;
    await settle();
  }

  /** Moves the clock at once, for what looks at it and sets no timers: those that fall due wait for `advance`. */
  skip(durationMs: number): void {
    this.#nowMs += durationMs;
  }

  #nextDue(endMs: number): ScheduledTimer | undefined {
    let next: ScheduledTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue;
      if (!next || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) next = timer;
    }
    return next;
  }

  // mulberry32: small, and good enough to spread test cases
  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  randomHex(byteLength: number): string {
    let hex = "";
    for (let i = 0; i < byteLength; i++)
      hex += Math.floor(this.random() * 256)
        .toString(16)
        .padStart(2, "0");
    return hex;
  }

  newId(prefix: string): string {
    this.#ids += 1;
    return `${prefix}_${this.#ids.toString(16).padStart(24, "0")}`;
  }
}

/** Lets promises and immediate callbacks that are ready run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
