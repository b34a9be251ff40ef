import { ErrorReason, type ChatRequest } from "../contract/index.ts";
import { ParleyError, reasonName } from "../errors/index.ts";
import { BLAME } from "../routing/blame.ts";
import type { Plan } from "../routing/plan.ts";
import { substitute, type AttemptState, type Substitution, type SubstitutionPolicy } from "../routing/substitution.ts";
import type { Target } from "../routing/target.ts";

/** How things stand when an attempt has failed. */
export interface Situation {
  readonly plan: Pick<Plan, "targets" | "maxAttempts">;
  readonly request: ChatRequest;
  /** Targets that were tried, in order; the last one has just failed. */
  readonly tried: readonly Target[];
  /** How many of them were not called, since a limit on how fast attempts come was used up; unset: none. */
  readonly uncalled?: number;
  /** How far the last attempt got, and what went wrong with it. */
  readonly state: AttemptState;
  /** Earlier attempts that the request was too long for: whoever comes must take more than each of them. */
  readonly overflowed?: readonly AttemptState[];
  readonly policy: SubstitutionPolicy;
  /** Whether the failed attempt carried provider state of earlier turns. */
  readonly sentState: boolean;
  /** Whether the deadline has passed or the caller has left. */
  readonly over: boolean;
  /** Milliseconds until the request's deadline. */
  readonly remainingMs: number;
  /** How long a caller may be kept waiting where a sole target asks to be called later. */
  readonly retryAfterMaxMs: number;
  /** Whether calls to a target may be expected to work: others are asked only when none is left. */
  readonly isAvailable: (target: Target) => boolean;
  /** Whether the failed target's provider has a credential that is not resting. */
  readonly hasOtherCredential: boolean;
  /** A random number from 0 to below 1. */
  readonly random: () => number;
  /** Takes one from the gateway's budget of extra attempts, if there is one left. */
  readonly takeExtraAttempt: () => boolean;
}

/** The next attempt of a request. */
export interface NextAttempt {
  readonly target: Target;
  /** How it takes over from the one that broke. */
  readonly how: Exclude<Substitution, { readonly kind: "deny" }>;
  /** Milliseconds to wait before it. */
  readonly afterMs: number;
  /** Whether the conversation goes without the provider state that the target has just refused. */
  readonly withoutState: boolean;
}

const REPLACE = { kind: "replace" } as const;

/** The only place that decides whether another attempt is made, where, and when. Else returns the caller's error. */
export function decide(situation: Situation): NextAttempt | ParleyError {
  const { plan, tried, uncalled = 0, state, over, takeExtraAttempt } = situation;
  if (over || tried.length - uncalled >= plan.maxAttempts) return state.error;
  if (state.error.reason === ErrorReason.RATE_LIMITED) return withinLimits(situation) ?? state.error;
  const next = withoutRefusedState(situation) ?? byOtherCredential(situation) ?? elsewhere(situation);
  if (!next) {
    // Asking the same target again is a courtesy: where the budget has none left, its error is the answer.
    const again = onceMore(situation);
    return again && takeExtraAttempt() ? again : state.error;
  }
  if (takeExtraAttempt()) return next;
  return new ParleyError(
    "ATTEMPTS_EXHAUSTED",
    "Cannot try another target: the gateway's budget of extra attempts is used up, so many requests fail at the moment",
    { retryDelayMs: 10_000, cause: state.error },
  );
}

/**
 * The target that is asked beside one that is at work and has no content yet: one that could take over from it, and is not
 * resting. Undefined: there is none, or the route's share of hedges is used up.
 */
export function decideHedge(
  situation: Omit<
    Situation,
    "sentState" | "hasOtherCredential" | "remainingMs" | "retryAfterMaxMs" | "random" | "takeExtraAttempt"
  >,
  takeHedge: () => boolean,
): NextAttempt | undefined {
  const { plan, tried, over, isAvailable } = situation;
  if (over || tried.length >= plan.maxAttempts) return undefined;
  const next = elsewhere(situation);
  return next?.how.kind === "replace" && isAvailable(next.target) && takeHedge() ? next : undefined;
}

/** Another target in place of one that was not called: no extra attempt. One that is limited too need not be asked. */
function withinLimits(situation: Situation): NextAttempt | undefined {
  const next = elsewhere(situation);
  return next && situation.isAvailable(next.target) ? next : undefined;
}

/** The same target without the state of earlier turns that it has refused. */
function withoutRefusedState({ state, sentState }: Situation): NextAttempt | undefined {
  if (state.error.reason !== ErrorReason.STATE_INVALID || !sentState || state.delivered) return undefined;
  return { target: state.target, how: REPLACE, afterMs: 0, withoutState: true };
}

/** The same target by another credential of its pool, where it was the credential that could not be used. */
function byOtherCredential({ state, hasOtherCredential }: Situation): NextAttempt | undefined {
  const blame = BLAME[reasonName(state.error.reason)];
  if ((blame !== "rate" && blame !== "credential") || state.delivered || !hasOtherCredential) return undefined;
  return { target: state.target, how: REPLACE, afterMs: 0, withoutState: false };
}

/** The next target that may take over, at once; those that are known to be down come last. */
function elsewhere(
  situation: Pick<Situation, "plan" | "request" | "tried" | "state" | "overflowed" | "policy" | "isAvailable">,
): NextAttempt | undefined {
  const { plan, request, tried, state, overflowed = [], policy, isAvailable } = situation;
  let last: NextAttempt | undefined;
  for (const target of plan.targets) {
    if (tried.includes(target)) continue;
    if (overflowed.some((earlier) => substitute(request, earlier, target, policy).kind === "deny")) continue;
    const how = substitute(request, state, target, policy);
    if (how.kind === "deny") continue;
    const next = { target, how, afterMs: 0, withoutState: false };
    if (isAvailable(target)) return next;
    last ??= next;
  }
  return last;
}

const SHORTEST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

/**
 * The same target after a while, where it is the only one: as long as it asks for within bounds, since a caller who is told
 * can do better than to hang, else a random time that grows. One that was silent is not asked again, since it may still be at work on the first call.
 */
function onceMore({ plan, tried, state, remainingMs, retryAfterMaxMs, random }: Situation): NextAttempt | undefined {
  const { error, target, delivered } = state;
  if (plan.targets.length > 1 || delivered || !error.row.retryable || error.row.failover !== "next_target") {
    return undefined;
  }
  if (error.reason === ErrorReason.PROVIDER_TIMEOUT || error.isLasting) return undefined;
  const longestMs = Math.min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** tried.length);
  if (error.retryDelayMs !== undefined && error.retryDelayMs > retryAfterMaxMs) return undefined;
  const afterMs = error.retryDelayMs ?? SHORTEST_WAIT_MS + random() * (longestMs - SHORTEST_WAIT_MS);
  return afterMs < remainingMs ? { target, how: REPLACE, afterMs, withoutState: false } : undefined;
}
