import type { Runtime, Timer } from "../../runtime/runtime.ts";

const WAITS_MS = [5, 10, 20, 30, 35] as const;

/** A wait in growing steps, which news can cut short, and which ends in bounded time. */
export class Patience {
  readonly #runtime: Runtime;
  readonly #untilMs: number;
  #turns = 0;
  #timer: Timer | undefined;
  #wake: (() => void) | undefined;

  constructor(runtime: Runtime, totalMs: number) {
    this.#runtime = runtime;
    this.#untilMs = runtime.monotonicMs() + totalMs;
  }

  /** How many waits there were. */
  get turns(): number {
    return this.#turns;
  }

  /** Whether its time is over. */
  get isOver(): boolean {
    return this.#runtime.monotonicMs() >= this.#untilMs;
  }

  /** Resolves after the next step, or when woken. */
  next(): Promise<void> {
    const stepMs = WAITS_MS[Math.min(this.#turns, WAITS_MS.length - 1)]! * (0.75 + this.#runtime.random() / 2);
    this.#turns += 1;
    const waitMs = Math.max(0, Math.min(stepMs, this.#untilMs - this.#runtime.monotonicMs()));
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = this.#runtime.setTimer(waitMs, resolve);
    });
  }

  /** Ends the current wait. */
  wake(): void {
    this.#timer?.cancel();
    this.#wake?.();
  }

  /** Leaves no timer behind. */
  end(): void {
    this.wake();
  }
}
