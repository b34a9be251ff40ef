import { ParleyError } from "../errors/index.ts";
import type { Principal } from "../policy/principal.ts";
import { decidedOf, summarise } from "../routing/describe.ts";
import { plan, survey, type Plan, type PlanPorts } from "../routing/plan.ts";
import { unboundedCost } from "../routing/worst-case.ts";
import type { Account } from "./account.ts";
import type { ChatCall } from "./call.ts";
import { limitedTargets } from "./pace.ts";
import type { ChatParts, LiveConfig } from "./parts.ts";
import { forbids } from "./permit.ts";
import type { RequestTrace } from "./trace.ts";

/** Where the request will go, in order. Throws when nothing is left, and says what excluded each candidate. */
export function route(
  parts: ChatParts,
  config: LiveConfig,
  call: ChatCall,
  account: Account,
  trace: RequestTrace,
): Plan {
  const { request } = call;
  const ports: PlanPorts = {
    ...planPorts(parts, config, call.caller),
    inputSize: () => account.inputSize,
    limited: limitedTargets(parts, config, call.caller, () => account.inputSize.upperBound),
    requestId: call.requestId,
    stream: call.stream,
    random: () => parts.runtime.random(),
  };
  const note = (found: Plan): void => {
    // Who did not ask for a trace can still ask later: order and exclusions are known then, and figures of the moment not,
    // which would cost every request more than its routing.
    const maxFigures = request.explain === true ? Infinity : 0;
    trace.routed(decidedOf(found, summarise(request, account.inputSize), maxFigures), parts.runtime.monotonicMs());
  };
  try {
    const found = plan(request, config.models, ports);
    note(found);
    return found;
  } catch (thrown) {
    if (thrown instanceof ParleyError && thrown.exclusions.length > 0) note(survey(request, config.models, ports));
    throw thrown;
  }
}

/** What planning for a caller asks of the gateway. */
export function planPorts(
  { live, affinity }: Partial<Pick<ChatParts, "live" | "affinity">>,
  { adapters }: LiveConfig,
  caller: Pick<Principal, "allowsModel" | "keyId" | "constraints" | "permits"> & Partial<Pick<Principal, "budgets">>,
): PlanPorts {
  const { budgets = [] } = caller;
  return {
    unboundedCost:
      budgets.length === 0
        ? undefined
        : (request, target) =>
            budgets.some((rule) => rule.countsModel?.(target.name) ?? true)
              ? unboundedCost(request, target)
              : undefined,
    allowsModel: caller.allowsModel,
    forbids: forbids(caller.permits, adapters),
    unsupported: (request, target) => adapters.get(target.provider)?.unsupported(request, target) ?? [],
    ...(live ? { live } : {}),
    ...(affinity ? { affinity } : {}),
    credentialIds: (target) => adapters.get(target.provider)?.credentialIds ?? [],
    tenant: caller.keyId,
    keyConstraints: caller.constraints,
  };
}
