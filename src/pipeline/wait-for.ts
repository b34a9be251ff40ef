import { ParleyError } from "../errors/index.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** Until when a request waits for something. */
export interface WaitOptions<T> {
  readonly runtime: Runtime;
  /** Aborts when the caller has left or the gateway ends the request, with a `ParleyError` as its reason. */
  readonly signal: AbortSignal;
  readonly remainingMs: number;
  /** Gets what comes after nobody waits any more. */
  readonly late: (value: T) => void;
  readonly timedOut: () => ParleyError;
}

/** What a promise gives, unless the caller leaves or the request's time is over before. Rejects with a typed error. */
export function waitFor<T>(promise: Promise<T>, options: WaitOptions<T>): Promise<T> {
  const { runtime, signal, remainingMs, late, timedOut } = options;
  return new Promise((resolve, reject) => {
    let isOver = false;
    const end = (step: () => void): void => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      signal.removeEventListener("abort", giveUp);
      step();
    };
    const giveUp = (): void => end(() => reject(ParleyError.from(signal.reason)));
    const timer = runtime.setTimer(remainingMs, () => end(() => reject(timedOut())));
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    promise.then(
      (value) => (isOver ? late(value) : end(() => resolve(value))),
      (error: unknown) => end(() => reject(ParleyError.from(error))),
    );
  });
}
