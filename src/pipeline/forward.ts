import { create } from "@bufbuild/protobuf";
import { CompletedSchema, ErrorReason, type Adaptation, type Delivery as DeliveryMode } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { Plan } from "../routing/plan.ts";
import type { AttemptState } from "../routing/substitution.ts";
import type { Target } from "../routing/target.ts";
import type { Account } from "./account.ts";
import type { ChatCall } from "./call.ts";
import { decide, type NextAttempt } from "./decide.ts";
import { hedge } from "./hedge.ts";
import { brokenFor } from "./judge.ts";
import type { Delivery } from "./normalise.ts";
import type { ChatParts, LiveConfig } from "./parts.ts";
import { limitedTargets, type Paced } from "./pace.ts";
import { pause } from "./pause.ts";
import { carriesState, withoutState } from "./strip-state.ts";
import { shadow } from "./shadow.ts";
import { hasOtherCredential, policyOf, stateOf } from "./standing.ts";
import { isLimitUsedUp } from "./take-over-from.ts";
import type { RequestTrace } from "./trace.ts";
import type { Watch } from "./watch.ts";

/** What one request's attempts share. */
export interface Forwarding {
  readonly parts: ChatParts;
  readonly config: LiveConfig;
  readonly call: ChatCall;
  readonly plan: Plan;
  readonly delivery: Delivery;
  readonly watch: Watch;
  readonly account: Account;
  /** What the caller gets when an upstream breaks; never unspecified. */
  readonly mode: DeliveryMode;
  readonly trace: RequestTrace;
  /** The only credential to be used; unset: any of the provider's. */
  readonly credentialId?: string;
  /** Hears that the first attempt has gone out. */
  readonly onSent?: () => void;
  /** What the request holds of its caller's limits. */
  readonly paced: Paced | undefined;
  /** What was decided of the request before its first attempt, and the caller is told. */
  readonly adaptations: readonly Adaptation[];
}

/**
 * Tries targets in the plan's order until one has answered. Resolves with the target that did. Throws the error the
 * caller gets when none did, or when one broke after content in a way that nobody may mend.
 */
export async function forward(asked: Forwarding): Promise<Target> {
  const forwarding: Forwarding = { ...asked, onSent: () => shadow(asked) };
  const { parts, config, call, plan, watch, account } = forwarding;
  parts.extraAttempts.countRequest();
  const tried: Target[] = [];
  const overflowed: AttemptState[] = [];
  const limited = limitedTargets(parts, config, call.caller, () => account.inputSize.upperBound);
  let uncalled = 0;
  let failed: ParleyError | undefined;
  const [first] = plan.targets;
  if (!first) throw new RangeError("Cannot forward: the plan is empty");
  let next: NextAttempt = { target: first, how: { kind: "replace" }, afterMs: 0, withoutState: false };
  for (;;) {
    if (next.afterMs > 0) await pause(parts.runtime, next.afterMs, call.signal);
    if (call.signal.aborted) throw ParleyError.from(call.signal.reason);
    const request = next.withoutState ? withoutState(call.request) : call.request;
    tried.push(next.target);
    const { target: last, failure } = await hedge(forwarding, next, request, tried);
    if (failure === undefined) return last;
    const error = next.how.kind === "continue" ? brokenFor(failure) : failure;
    if (error.reason === ErrorReason.RATE_LIMITED) uncalled += 1;
    else failed = error;
    const state = stateOf(forwarding.delivery, last, error);
    const decision = decide({
      plan,
      request: call.request,
      tried,
      uncalled,
      state,
      overflowed,
      policy: policyOf(forwarding),
      sentState: error.reason === ErrorReason.STATE_INVALID && carriesState(request),
      over: call.signal.aborted || watch.remainingMs === 0,
      remainingMs: watch.remainingMs,
      retryAfterMaxMs: config.limits.retryAfterMaxMs,
      isAvailable: (target) => !parts.live.unavailable(target) && !limited?.(call.request, target),
      hasOtherCredential: hasOtherCredential(forwarding, last),
      random: () => parts.runtime.random(),
      takeExtraAttempt: () => parts.extraAttempts.take(),
    });
    // What a target that was called has said tells more than that the next one may not be called now.
    if (decision instanceof ParleyError) throw decision === error ? (failed ?? error) : decision;
    if (decision.how.kind === "continue" && endsByLimit(forwarding)) return last;
    if (error.reason === ErrorReason.CONTEXT_TOO_LONG) overflowed.push(state);
    next = decision;
  }
}

/** Whether the answer has used up its output limit; then it is over, and nobody is asked to go on with it. */
function endsByLimit({ parts, call, delivery, account, trace }: Forwarding): boolean {
  const { delivered } = delivery;
  const { attempts } = account;
  if (!isLimitUsedUp({ request: call.request, delivered, attempts })) return false;
  const { usage, cost } = attempts.findLast(({ number }) => delivered.attempts.includes(number)) ?? {};
  const explained = call.request.explain === true ? trace.describe(parts.runtime.monotonicMs()) : undefined;
  delivery.endByLimit(
    create(CompletedSchema, {
      attempts: [...attempts],
      ...(usage ? { usage } : {}),
      ...(cost ? { cost } : {}),
      ...(explained ? { trace: explained } : {}),
    }),
  );
  return true;
}
