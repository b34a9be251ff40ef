import type { Settings } from "./model-name.ts";

const MAX_MODELS = 10_000;

/** What faults remember of earlier requests, per model id with its suffix. */
export class FaultMemory {
  readonly #seen = new Map<string, { requests: number; readonly firstAtMs: number }>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Whether this request meets the fault, as `times`, `down_ms` and `percent` say. Counts the request. */
  strikes(model: string, settings: Settings, nowMs: number): boolean {
    const seen = this.#seen.get(model) ?? { requests: 0, firstAtMs: nowMs };
    seen.requests += 1;
    this.#seen.set(model, seen);
    if (this.#seen.size > MAX_MODELS) this.#forgetOldest();
    if (settings.times !== undefined && seen.requests > settings.times) return false;
    if (settings.down_ms !== undefined && nowMs - seen.firstAtMs >= settings.down_ms) return false;
    return settings.percent >= 100 || this.#random() * 100 < settings.percent;
  }

  /** Every model is as on its first request again. */
  clear(): void {
    this.#seen.clear();
  }

  #forgetOldest(): void {
    for (const model of this.#seen.keys()) {
      this.#seen.delete(model);
      return;
    }
  }
}

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
