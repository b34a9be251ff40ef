import { ParleyError } from "../errors/index.ts";
import { costOf } from "../ledger/pricing.ts";
import { planPorts } from "../pipeline/route.ts";
import type { LiveConfig } from "../pipeline/parts.ts";
import { UNLIMITED, type Principal } from "../policy/principal.ts";
import { plan } from "../routing/plan.ts";
import type { Target } from "../routing/target.ts";
import type { RecordedDecision } from "./recorded-decision.ts";

/** What became of a recorded request, and what would. */
export interface Replayed {
  readonly model: string;
  readonly at: string;
  /** Where it went first; undefined: nowhere. */
  readonly from: string | undefined;
  /** Where it would go first, or why nowhere. */
  readonly to: string | ParleyError;
  /** Whether it was answered, so that its usage is known and can be priced. */
  readonly answered: boolean;
  /** What its answer cost, and what the same usage would cost; undefined: a price is not known. */
  readonly costNanoUsd: bigint | undefined;
  readonly newCostNanoUsd: bigint | undefined;
}

/**
 * Routes a recorded request by another configuration, with nothing known of how targets do at the moment. A key that the
 * configuration does not have may use every model.
 */
export function replay(recorded: RecordedDecision, live: LiveConfig, holder: Principal | undefined): Replayed {
  const target = firstTarget(recorded, live, holder);
  const { usage } = recorded;
  const newCost = usage && !(target instanceof ParleyError) ? costOf(usage, target.facts.prices, undefined) : undefined;
  return {
    model: recorded.request.routing?.task ?? recorded.request.model,
    at: recorded.at,
    from: recorded.order[0],
    to: target instanceof ParleyError ? target : target.name,
    answered: usage !== undefined,
    costNanoUsd: recorded.costNanoUsd,
    newCostNanoUsd: newCost?.nanoUsd,
  };
}

function firstTarget(
  recorded: RecordedDecision,
  live: LiveConfig,
  holder: Principal | undefined,
): Target | ParleyError {
  const ports = planPorts({}, live, holder ?? { ...UNLIMITED, allowsModel: () => true, keyId: "" });
  const { request, input, requestId } = recorded;
  try {
    return plan(request, live.models, { ...ports, inputSize: () => input, requestId }).targets[0]!;
  } catch (thrown) {
    return ParleyError.from(thrown);
  }
}
