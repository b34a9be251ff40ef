import type { Runtime } from "../runtime/runtime.ts";

/** Resolves after a while, or as soon as `signal` aborts; no timer and no listener is left behind. */
export function pause(runtime: Runtime, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", over);
      resolve();
    };
    const timer = runtime.setTimer(delayMs, over);
    signal.addEventListener("abort", over);
    if (signal.aborted) over();
  });
}
