import { create } from "@bufbuild/protobuf";
import { AdaptationSchema, ErrorReason } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { Target } from "../routing/target.ts";
import type { ChatCall } from "./call.ts";
import { forward, type Forwarding } from "./forward.ts";
import { route } from "./route.ts";

/** Forwards a request, and where a budget refuses its first attempt once more for the model that the key's policy names. */
export function forwardWithin(forwarding: Forwarding): Promise<Target> {
  return forward(forwarding).catch((thrown: unknown) => forward(cheaper(forwarding, thrown)));
}

/**
 * The same request for the model that the key's policy names for when a budget has too little left: once, and only before
 * the first attempt. Throws what was thrown where there is none, and what planning throws.
 */
function cheaper(refused: Forwarding, thrown: unknown): Forwarding {
  const { parts, config, account, trace } = refused;
  const { request, caller } = refused.call;
  const { whenExceeded: model } = caller;
  const isRefused = thrown instanceof ParleyError && thrown.reason === ErrorReason.BUDGET_EXCEEDED;
  if (!isRefused || model === undefined || model === request.model || account.attempts.length > 0) throw thrown;
  const { routing } = request;
  const call: ChatCall = {
    ...refused.call,
    request: { ...request, model, ...(routing ? { routing: { ...routing, fallbackModels: [] } } : {}) },
  };
  const adaptation = create(AdaptationSchema, {
    field: "model",
    requestedJson: JSON.stringify(request.model),
    appliedJson: JSON.stringify(model),
    reason: "a budget of the key has too little left for the model that was asked for",
  });
  return { ...refused, call, plan: route(parts, config, call, account, trace), adaptations: [adaptation] };
}
