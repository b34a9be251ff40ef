import type { TargetStatistics, Unavailable } from "./live.ts";
import type { Target } from "./target.ts";

/** One target that a request's names stand for, and what became of it. */
export interface Candidate {
  readonly target: Target;
  /** Why it may not serve the request; undefined: it may. */
  readonly exclusion: CandidateExclusion | undefined;
  /** Why it comes late, although it may serve: its breaker is open, its credentials cool down. */
  readonly unavailable: Unavailable | undefined;
  /** Place in the order of attempts from 1; undefined where it is excluded. */
  readonly rank: number | undefined;
  /** What the strategy ranked by, least first; undefined: by the configured order. */
  readonly score: number | undefined;
  /** Most that the request can cost there, in nano-USD; undefined: no price or no output limit is known. */
  readonly worstCostNanoUsd: bigint | undefined;
  readonly statistics: TargetStatistics;
}

/** The hard rule that keeps a target from serving a request. */
export interface CandidateExclusion {
  /** A field path such as `routing.constraints.regions` or `tools`, or a rule such as `key.allow_models`. */
  readonly rule: string;
  /** Why, in a sentence without the request's content. */
  readonly why: string;
}
