import type { Trace } from "../contract/index.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** A trace that can be kept: its message is made only when somebody asks for it. */
export interface KeptTrace {
  readonly requestId: string;
  /** How much it holds, in candidates and attempts. */
  readonly weight: number;
  describe(nowMs: number): Trace;
}

/**
 * Keeps what became of requests, for a while. Within one process: another replica does not know them, and a restart
 * forgets them; the ledger is what lasts.
 */
export interface TraceStore {
  /** Keeps the trace of a request that the holder of a key has made. */
  keep(keyId: string, trace: KeptTrace): void;
  /** What is kept of a request, and whose it is. Undefined: never kept, too old, or pushed out by later ones. */
  get(requestId: string): { readonly keyId: string; readonly trace: KeptTrace } | undefined;
}

/** Bounds of a trace store. */
export interface TraceLimits {
  /** How long a trace is kept, in milliseconds. */
  readonly timeToLiveMs: number;
  /** Most candidates and attempts of all traces together, each of which takes about half a KiB. */
  readonly maxWeight: number;
}

/** A quarter of an hour; some ten MiB: five thousand requests with one target, or a hundred with two hundred. */
const DEFAULT_LIMITS: TraceLimits = { timeToLiveMs: 900_000, maxWeight: 20_000 };

interface Entry {
  readonly keyId: string;
  readonly trace: KeptTrace;
  readonly weight: number;
  readonly expiresAtMs: number;
}

/** A trace store in memory. */
export function createTraceStore(runtime: Runtime, limits: TraceLimits = DEFAULT_LIMITS): TraceStore {
  return new Ring(runtime, limits);
}

/**
 * Traces in the order of their ends, hence of their expiry, in a ring: a map that changes with every request would keep
 * what its old tables held alive (docs/decisions/0005). Looking one up walks the ring, which only people do.
 */
class Ring implements TraceStore {
  readonly #runtime: Runtime;
  readonly #limits: TraceLimits;
  readonly #places: (Entry | undefined)[];
  /** Place of the oldest entry, and how many there are. */
  #oldest = 0;
  #count = 0;
  #weight = 0;

  constructor(runtime: Runtime, limits: TraceLimits) {
    this.#runtime = runtime;
    this.#limits = limits;
    // A trace weighs at least one.
    this.#places = new Array<Entry | undefined>(Math.max(1, limits.maxWeight)).fill(undefined);
  }

  keep(keyId: string, trace: KeptTrace): void {
    const nowMs = this.#runtime.monotonicMs();
    const { timeToLiveMs, maxWeight } = this.#limits;
    if (this.#count === this.#places.length) this.#dropOldest();
    const entry = { keyId, trace, weight: trace.weight, expiresAtMs: nowMs + timeToLiveMs };
    this.#places[(this.#oldest + this.#count) % this.#places.length] = entry;
    this.#count += 1;
    this.#weight += entry.weight;
    while (this.#count > 0 && (this.#weight > maxWeight || this.#places[this.#oldest]!.expiresAtMs <= nowMs)) {
      this.#dropOldest();
    }
  }

  get(requestId: string): { readonly keyId: string; readonly trace: KeptTrace } | undefined {
    const nowMs = this.#runtime.monotonicMs();
    for (let back = this.#count - 1; back >= 0; back--) {
      const entry = this.#places[(this.#oldest + back) % this.#places.length]!;
      if (entry.trace.requestId === requestId) return entry.expiresAtMs > nowMs ? entry : undefined;
    }
    return undefined;
  }

  #dropOldest(): void {
    this.#weight -= this.#places[this.#oldest]!.weight;
    this.#places[this.#oldest] = undefined;
    this.#oldest = (this.#oldest + 1) % this.#places.length;
    this.#count -= 1;
  }
}
