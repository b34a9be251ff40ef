import { boundField } from "../routing/provider-bound.ts";
import type { Target } from "../routing/target.ts";
import type { Forwarding } from "./forward.ts";
import { attemptAlone, ownCall } from "./own-call.ts";
import { carriesState } from "./strip-state.ts";

/**
 * Sends a copy of a request that is on its way to each shadow target whose turn it is. The answers are thrown away; books,
 * statistics and health are kept, and no key is charged. Never delays or fails the caller.
 */
export function shadow(forwarding: Forwarding): void {
  const { parts, call, plan } = forwarding;
  if (plan.shadows.length === 0 || call.request.routing?.allowFallbacks === false) return;
  // State belongs to the provider that gave it out.
  if (carriesState(call.request)) return;
  const from = plan.targets[0]?.provider ?? "";
  for (const [index, { target, percent }] of plan.shadows.entries()) {
    if (parts.runtime.random() * 100 >= percent) continue;
    if (boundField(call.request, from, target.provider) !== undefined) continue;
    if (parts.live.unavailable(target) !== undefined || !parts.shadows.tryTake()) continue;
    // Not in the turn in which the request itself goes out.
    parts.runtime.afterTurn(() => {
      void copy(forwarding, target, index + 1).finally(() => parts.shadows.give());
    });
  }
}

async function copy({ parts, config, call, plan, trace }: Forwarding, target: Target, number: number): Promise<void> {
  const copied = ownCall("shadow", `${call.requestId}.shadow${number}`, call.request, call.stream);
  await attemptAlone({ parts, config, call: copied, target, priority: plan.priority }, (account) =>
    trace.shadowed(account.attempts),
  );
}
