import { plan, type Plan } from "../routing/plan.ts";
import type { ChatCall } from "./call.ts";
import type { LiveConfig } from "./parts.ts";

/** Where the request will go, in order. Throws when nothing is left, and says what excluded each candidate. */
export function route(config: LiveConfig, call: ChatCall): Plan {
  return plan(call.request, config.models, {
    allowsModel: call.caller.allowsModel,
    unsupported: (request, target) => config.adapters.get(target.provider)?.unsupported(request, target) ?? [],
  });
}
