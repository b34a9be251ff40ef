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
  // In the order of their ends, hence of their expiry.
  const entries = new Map<string, Entry>();
  let weight = 0;
  const drop = (requestId: string, entry: Entry): void => {
    entries.delete(requestId);
    weight -= entry.weight;
  };
  return {
    keep(keyId, trace) {
      const nowMs = runtime.monotonicMs();
      const added = { keyId, trace, weight: trace.weight, expiresAtMs: nowMs + limits.timeToLiveMs };
      entries.set(trace.requestId, added);
      weight += added.weight;
      for (const [requestId, entry] of entries) {
        if (weight <= limits.maxWeight && entry.expiresAtMs > nowMs) break;
        drop(requestId, entry);
      }
    },
    get(requestId) {
      const entry = entries.get(requestId);
      if (!entry || entry.expiresAtMs > runtime.monotonicMs()) return entry;
      drop(requestId, entry);
      return undefined;
    },
  };
}
