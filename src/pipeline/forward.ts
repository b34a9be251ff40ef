import { ErrorReason, type Adaptation, type Delivery as DeliveryMode } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { Plan } from "../routing/plan.ts";
import type { AttemptState } from "../routing/substitution.ts";
import type { Target } from "../routing/target.ts";
import type { Account } from "./account.ts";
import { attempt } from "./attempt.ts";
import type { ChatCall } from "./call.ts";
import { decide, type NextAttempt } from "./decide.ts";
import { brokenFor } from "./judge.ts";
import type { Delivery } from "./normalise.ts";
import type { ChatParts, LiveConfig } from "./parts.ts";
import { pause } from "./pause.ts";
import { carriesState, withoutState } from "./strip-state.ts";
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
  /** What was decided of the request before its first attempt, and the caller is told. */
  readonly adaptations: readonly Adaptation[];
}

/**
 * Tries targets in the plan's order until one has answered. Resolves with the target that did. Throws the error the
 * caller gets when none did, or when one broke after content in a way that nobody may mend.
 */
export async function forward(forwarding: Forwarding): Promise<Target> {
  const { parts, call, plan, watch } = forwarding;
  parts.extraAttempts.countRequest();
  const tried: Target[] = [];
  const overflowed: AttemptState[] = [];
  const [first] = plan.targets;
  if (!first) throw new RangeError("Cannot forward: the plan is empty");
  let next: NextAttempt = { target: first, how: { kind: "replace" }, afterMs: 0, withoutState: false };
  for (;;) {
    if (next.afterMs > 0) await pause(parts.runtime, next.afterMs, call.signal);
    if (call.signal.aborted) throw ParleyError.from(call.signal.reason);
    const request = next.withoutState ? withoutState(call.request) : call.request;
    tried.push(next.target);
    const failure = await attempt(forwarding, next, request);
    if (failure === undefined) return next.target;
    const error = next.how.kind === "continue" ? brokenFor(failure) : failure;
    const state = stateOf(forwarding.delivery, next.target, error);
    const decision = decide({
      plan,
      request: call.request,
      tried,
      state,
      overflowed,
      policy: { delivery: forwarding.mode, onRefusal: plan.onRefusal },
      sentState: error.reason === ErrorReason.STATE_INVALID && carriesState(request),
      over: call.signal.aborted || watch.remainingMs === 0,
      remainingMs: watch.remainingMs,
      isAvailable: (target) => parts.live.unavailable(target) === undefined,
      hasOtherCredential: hasUsableCredential(forwarding, next.target),
      random: () => parts.runtime.random(),
      takeExtraAttempt: () => parts.extraAttempts.take(),
    });
    if (decision instanceof ParleyError) throw decision;
    if (error.reason === ErrorReason.CONTEXT_TOO_LONG) overflowed.push(state);
    next = decision;
  }
}

function hasUsableCredential({ parts, config }: Forwarding, target: Target): boolean {
  const ids = config.adapters.get(target.provider)?.credentialIds ?? [];
  return ids.length > 1 && ids.some((id) => parts.live.credentialUnavailable(id) === undefined);
}

function stateOf(delivery: Delivery, target: Target, error: ParleyError): AttemptState {
  const { text, bytes, sawToolCall, sawReasoning, candidates } = delivery.delivered;
  return {
    target,
    error,
    servedModel: delivery.servedModel,
    delivered: delivery.contentDelivered,
    text,
    deliveredBytes: bytes,
    sawToolCall,
    sawReasoning,
    candidates,
  };
}
