import { plan, type Plan } from "../routing/plan.ts";
import type { Account } from "./account.ts";
import type { ChatCall } from "./call.ts";
import type { ChatParts, LiveConfig } from "./parts.ts";

/** Where the request will go, in order. Throws when nothing is left, and says what excluded each candidate. */
export function route(parts: ChatParts, config: LiveConfig, call: ChatCall, account: Account): Plan {
  const { adapters } = config;
  return plan(call.request, config.models, {
    allowsModel: call.caller.allowsModel,
    unsupported: (request, target) => adapters.get(target.provider)?.unsupported(request, target) ?? [],
    inputSize: () => account.inputSize,
    live: parts.live,
    credentialIds: (target) => adapters.get(target.provider)?.credentialIds ?? [],
    affinity: parts.affinity,
    tenant: call.caller.keyId,
    requestId: call.requestId,
    random: () => parts.runtime.random(),
  });
}
