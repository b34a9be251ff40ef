import type { ParleyError } from "../errors/index.ts";
import type { Target } from "./target.ts";

/**
 * What is known of targets and credentials from the calls of late: statistics to rank by, and where no call should go for
 * a while. In one process it is exact; a store shared by replicas can stand behind the same interface.
 */
export interface LiveTargets {
  /** Why no attempt should go there now; undefined: one may. Asking changes nothing. */
  unavailable(target: Target): Unavailable | undefined;
  /** The same for one credential of a provider's pool. */
  credentialUnavailable(credentialId: string): Unavailable | undefined;
  /**
   * The share of its usual calls that a target should get, from 0 to 1: less than 1 for a while after it has recovered, so
   * that it is not thrown down again at once.
   */
  share(target: Target): number;
  /** An attempt goes out: takes the one probe where the target is half open. */
  begin(target: Target, credentialId: string, kind?: CallKind): LiveAttempt;
  /** What the calls of late were like; times to first content are those of calls of this kind. */
  statistics(target: Target, kind?: CallKind): TargetStatistics;
}

/** What the gateway's own probes ask and say. */
export interface ProbedTargets {
  /** What of a provider has rested and was not tried out since: names of targets, ids of credentials. */
  waiting(provider: string): { readonly targets: readonly string[]; readonly credentials: readonly string[] };
  /** The target of a provider that was called last, by its name. */
  lastCalled(provider: string): string | undefined;
  /**
   * Leaves what has rested to probes, by provider for at most so many milliseconds: callers go elsewhere if they can.
   */
  leaveToProbes(providers: ReadonlyMap<string, number>): void;
}

/**
 * With which calls one is compared by its time to first content: whole answers take longer than first words, and batches
 * are often served later than what somebody waits for.
 */
export interface CallKind {
  readonly stream: boolean;
  readonly batch: boolean;
}

/** The kind where none is told. */
export const STREAMED: CallKind = { stream: true, batch: false };

/** One attempt as statistics see it; ended exactly once. */
export interface LiveAttempt {
  end(outcome: AttemptOutcome): void;
}

/** How an attempt went. */
export interface AttemptOutcome {
  /** Undefined: it was answered. */
  readonly error: ParleyError | undefined;
  /** Milliseconds from dispatch to the first content; undefined: there was none. */
  readonly firstContentMs: number | undefined;
  readonly durationMs: number;
  readonly outputTokens: number | undefined;
  /** What the provider's rate-limit headers leave; undefined: not told. */
  readonly headroom: Headroom | undefined;
}

/** What is left until a provider's own limit. */
export interface Headroom {
  readonly remainingRequests: number | undefined;
  readonly remainingTokens: number | undefined;
  /** Milliseconds until the nearer of both is refilled; undefined: not told. */
  readonly resetInMs: number | undefined;
}

/** Why something rests, by its health. */
export type RestRule = "breaker" | "outlier" | "cooling" | "quarantine";

/** Why and how long nothing should go somewhere. */
export interface Unavailable {
  /** `rate`: a limit of the caller's or the provider's is used up. */
  readonly rule: RestRule | "rate";
  /** Milliseconds until it is worth asking again. */
  readonly retryInMs: number;
  /** In a sentence, for people. */
  readonly why: string;
  /** Holds only where another target may serve: some failures are better than none but failures. Unset: always. */
  readonly onlyBesideOthers?: boolean;
}

/** Figures over the latest minute or so; undefined: too few calls to tell. */
export interface TargetStatistics {
  readonly attempts: number;
  readonly failures: number;
  /** Failures by reason in snake_case. */
  readonly failuresByReason: Readonly<Record<string, number>>;
  readonly running: number;
  readonly firstContentMs: Percentiles | undefined;
  /** What the 95th percentile of the time to first content is over a longer time; unset: not known. */
  readonly usualFirstContentP95Ms?: number | undefined;
  readonly outputTokensPerSecond: Percentiles | undefined;
  readonly headroom: Headroom | undefined;
}

/** The 50th, 95th and 99th percentile. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}
