import { Delivery as DeliveryMode } from "../contract/index.ts";
import { boundField } from "../routing/provider-bound.ts";
import type { Target } from "../routing/target.ts";
import { Account } from "./account.ts";
import { attempt } from "./attempt.ts";
import type { EventSink } from "./call.ts";
import type { Forwarding } from "./forward.ts";
import { Delivery } from "./normalise.ts";
import { ownCall } from "./own-call.ts";
import { carriesState } from "./strip-state.ts";
import { Watch } from "./watch.ts";

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

const NOWHERE: EventSink = { write: () => true, onDrain: undefined };

async function copy(forwarding: Forwarding, target: Target, number: number): Promise<void> {
  const { parts, config, call, plan, trace } = forwarding;
  const copied = ownCall("shadow", `${call.requestId}.shadow${number}`, call.request, call.stream);
  const account = new Account(parts, copied, parts.runtime.nowMs());
  trace.shadowed(account.attempts);
  const watch = new Watch(parts.runtime, {
    deadlineInMs: config.limits.totalMs,
    keepAliveMs: Infinity,
    onKeepAlive: () => undefined,
  });
  const own: Forwarding = {
    parts,
    config,
    call: copied,
    // What the copy is answered with is nobody's conversation.
    plan: { ...plan, conversation: undefined },
    delivery: new Delivery({ ...NOWHERE }, config.limits, parts.memory),
    watch,
    account,
    mode: DeliveryMode.COMMIT,
    trace,
    paced: undefined,
  };
  const next = { target, how: { kind: "replace" }, afterMs: 0, withoutState: false } as const;
  const error = await attempt(own, next, call.request);
  watch.stop();
  account.end(error);
}
