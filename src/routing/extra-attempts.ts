import type { Runtime } from "../runtime/runtime.ts";

// Any ten seconds touch eleven whole seconds of the clock. Extra attempts are counted over all eleven and requests only
// over the ten latest, so that the promise holds in every window and not just in those that begin with a second.
const SLOTS = 11;

/**
 * Bounds extra attempts so that a bad day of a provider is not made worse: within any 10 s at most 15 % of the
 * requests, and 10 more.
 */
export class ExtraAttempts {
  readonly #runtime: Runtime;
  readonly #ratio: number;
  readonly #floor: number;
  readonly #requests = new Array<number>(SLOTS).fill(0);
  readonly #extras = new Array<number>(SLOTS).fill(0);
  #second = 0;

  constructor(runtime: Runtime, limits: { ratio: number; floor: number } = { ratio: 0.15, floor: 10 }) {
    this.#runtime = runtime;
    this.#ratio = limits.ratio;
    this.#floor = limits.floor;
  }

  /** Counts a request's first attempt. */
  countRequest(): void {
    const slot = this.#slot();
    this.#requests[slot] = (this.#requests[slot] ?? 0) + 1;
  }

  /** Whether one more attempt may be made now; if so it is counted. */
  take(): boolean {
    const slot = this.#slot();
    const oldest = (slot + 1) % SLOTS;
    const requests = sum(this.#requests) - (this.#requests[oldest] ?? 0);
    if (sum(this.#extras) + 1 > this.#floor + this.#ratio * requests) return false;
    this.#extras[slot] = (this.#extras[slot] ?? 0) + 1;
    return true;
  }

  #slot(): number {
    const second = Math.floor(this.#runtime.monotonicMs() / 1000);
    const passed = Math.min(second - this.#second, SLOTS);
    for (let i = 1; i <= passed; i++) {
      const slot = (this.#second + i) % SLOTS;
      this.#requests[slot] = 0;
      this.#extras[slot] = 0;
    }
    if (passed > 0) this.#second = second;
    return second % SLOTS;
  }
}

function sum(numbers: readonly number[]): number {
  let total = 0;
  for (const one of numbers) total += one;
  return total;
}
