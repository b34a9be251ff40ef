import { Priority } from "../contract/index.ts";
import type { CallKind } from "../routing/live.ts";
import type { AttemptState, SubstitutionPolicy } from "../routing/substitution.ts";
import type { ParleyError } from "../errors/index.ts";
import type { Target } from "../routing/target.ts";
import type { Forwarding } from "./forward.ts";
import type { Delivery } from "./normalise.ts";

// How things stand with a request when it is decided who is asked next.

/** With which calls those of the request are compared. */
export function kindOf({ call, plan }: Forwarding): CallKind {
  return { stream: call.stream, batch: plan.priority === Priority.BATCH };
}

/** What the caller and the route allow of another target. */
export function policyOf({ mode, plan }: Forwarding): SubstitutionPolicy {
  return { delivery: mode, onRefusal: plan.onRefusal };
}

/** Whether a target may be asked once more by another credential of its pool. */
export function hasOtherCredential(forwarding: Forwarding, target: Target): boolean {
  const pool = forwarding.config.adapters.get(target.provider)?.credentialIds ?? [];
  return pool.length > 1 && usableCredentials(forwarding, target) > 0;
}

/** How many of the credentials that calls of a target take turns with are not resting. */
export function usableCredentials({ parts, config }: Forwarding, target: Target): number {
  const ids = config.adapters.get(target.provider)?.credentialIds ?? [];
  return ids.filter((id) => parts.live.credentialUnavailable(id) === undefined).length;
}

/** How far an attempt had got when it broke, or would have got if it broke now. */
export function stateOf(delivery: Delivery, target: Target, error: ParleyError): AttemptState {
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
    filtered: delivery.filtered,
  };
}
