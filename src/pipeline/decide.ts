import { ErrorReason } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { Plan } from "../routing/plan.ts";
import type { Target } from "../routing/target.ts";

/** How things stand when an attempt has failed. */
export interface Situation {
  readonly plan: Pick<Plan, "targets" | "maxAttempts">;
  /** Targets that were tried, in order; the last one has just failed. */
  readonly tried: readonly Target[];
  readonly error: ParleyError;
  /** Whether the failed attempt carried provider state of earlier turns. */
  readonly sentState: boolean;
  /** Whether the caller has had content. */
  readonly committed: boolean;
  /** Whether the deadline has passed or the caller has left. */
  readonly over: boolean;
  /** Takes one from the gateway's budget of extra attempts, if there is one left. */
  readonly takeExtraAttempt: () => boolean;
}

/**
 * The only place that decides whether another attempt is made, and where. Returns its target, or the error that the
 * caller gets. The target that has just failed: once more, without the state of earlier turns that it has refused.
 */
export function decide(situation: Situation): Target | ParleyError {
  const { plan, tried, error, committed, over, takeExtraAttempt } = situation;
  const refusedState = error.reason === ErrorReason.STATE_INVALID && situation.sentState;
  if (over || committed || (error.row.failover === "never" && !refusedState)) return error;
  if (tried.length >= plan.maxAttempts) return error;
  const next = refusedState
    ? tried.at(-1)
    : plan.targets.find((target) => !tried.includes(target) && mayFollow(target, error, tried));
  if (!next) return error;
  if (takeExtraAttempt()) return next;
  return new ParleyError(
    "ATTEMPTS_EXHAUSTED",
    "Cannot try another target: the gateway's budget of extra attempts is used up, so many requests fail at the moment",
    { retryDelayMs: 10_000, cause: error },
  );
}

// A request that overflows one window goes only to a larger one.
function mayFollow(target: Target, error: ParleyError, tried: readonly Target[]): boolean {
  if (error.reason !== ErrorReason.CONTEXT_TOO_LONG) return true;
  const failed = tried.at(-1)?.facts.contextTokens;
  const window = target.facts.contextTokens;
  return failed !== undefined && window !== undefined && window > failed;
}
