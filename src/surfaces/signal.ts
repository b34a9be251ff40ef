import type { Runtime } from "../runtime/runtime.ts";

/** Something that happens at most once. */
export class Signal {
  readonly fired: Promise<void>;
  #resolve: () => void = () => undefined;

  constructor() {
    this.fired = new Promise((resolve) => (this.#resolve = resolve));
  }

  fire(): void {
    this.#resolve();
  }
}

/** Resolves after `delayMs`, or earlier with `until`; no timer is left behind. */
export async function sleepUnless(runtime: Runtime, delayMs: number, until: Promise<unknown>): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = runtime.setTimer(delayMs, resolve);
    void until.then(() => {
      timer.cancel();
      resolve();
    });
  });
}
