/** What a running load has seen since it began. Times in milliseconds. */
export interface LoadCounts {
  completed: number;
  failed: number;
  /** Bytes of response bodies: tells how far streams are that have not ended yet. */
  bodyBytes: number;
  /** What went wrong first, for people. */
  firstFailure: string | undefined;
  /** From the request's write until the response's last byte. */
  readonly latenciesMs: number[];
  /** From the request's write until the read that holds the first token. */
  readonly firstTokensMs: number[];
}

/** A closed loop: each caller sends its next request as soon as its last one is answered. */
export interface Load {
  readonly counts: LoadCounts;
  /** Sends no more, waits for what is in flight (at most 5 s) and closes the connections. */
  stop(): Promise<void>;
}

/** What to send, and how many callers send it. */
export interface LoadOptions {
  readonly port: number;
  readonly callers: number;
  /** Time over which the callers start one after the other, so that paced streams do not run in step. */
  readonly staggerMs: number;
}

export const stopTimeoutMs = 5_000;

export function emptyCounts(): LoadCounts {
  return { completed: 0, failed: 0, bodyBytes: 0, firstFailure: undefined, latenciesMs: [], firstTokensMs: [] };
}

export function noteFailure(counts: LoadCounts, what: string): void {
  counts.failed++;
  counts.firstFailure ??= what;
}
