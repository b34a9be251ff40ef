import { ErrorReason, type ChatRequest, type Decision } from "../contract/index.ts";
import { inputSize } from "../ledger/estimate.ts";
import type { Principal } from "../policy/principal.ts";
import { decidedOf, describeDecision, summarise } from "../routing/describe.ts";
import { survey } from "../routing/plan.ts";
import { admit } from "./admit.ts";
import { limitedTargets } from "./pace.ts";
import { permit } from "./permit.ts";
import type { ChatParts } from "./parts.ts";
import { planPorts } from "./route.ts";

/**
 * Where a chat request of this caller would go now: the steps of `chat` up to the first attempt, and no further. Throws
 * what `chat` throws before it has targets, and for a model that the caller may not use: its targets are not theirs to see.
 */
export function explain(
  parts: Pick<ChatParts, "current" | "live" | "affinity" | "rates">,
  caller: Principal,
  request: ChatRequest,
): Decision {
  const config = parts.current();
  admit({ request }, config.limits);
  const size = inputSize(request);
  permit({ caller, request, stream: false }, () => size.upperBound);
  const limited = limitedTargets(parts, config, caller, () => size.upperBound);
  const surveyed = survey(request, config.models, {
    ...planPorts(parts, config, caller),
    inputSize: () => size,
    limited,
  });
  if (surveyed.error?.reason === ErrorReason.MODEL_NOT_ALLOWED) throw surveyed.error;
  return describeDecision(decidedOf(surveyed, summarise(request, size)));
}
