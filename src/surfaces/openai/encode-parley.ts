import type { Adaptation, Attempt, Cost, Finish, Origin, Trace, Usage } from "../../contract/index.ts";
import { addCost, encodeAttempt } from "./encode-attempt.ts";
import { encodeTrace } from "./encode-trace.ts";
import { encodeBuckets } from "./encode-usage.ts";
import { addOrigin } from "./errors.ts";
import { encodeFinish } from "./finish.ts";

/** What a reply says beyond OpenAI's format. */
export interface AnswerSummary {
  readonly requestId: string;
  readonly origin: Origin | undefined;
  readonly attempts: readonly Attempt[];
  readonly adaptations: readonly Adaptation[];
  readonly cost: Cost | undefined;
  readonly usage: Usage | undefined;
  readonly finishes: readonly (readonly [index: number, finish: Finish | undefined])[];
  readonly upstreamId: string | undefined;
  readonly serviceTier: string | undefined;
  /** Undefined: it was not asked for. */
  readonly trace: Trace | undefined;
}

/** The `parley` object of a reply: who answered after which attempts, what was adapted, what it cost, how it ended. */
export function encodeParley(summary: AnswerSummary): Record<string, unknown> {
  const { origin, cost, usage, upstreamId, serviceTier, trace } = summary;
  const fields: Record<string, unknown> = { request_id: summary.requestId };
  addOrigin(fields, origin);
  if (origin?.servedModel !== undefined) fields["served_model"] = origin.servedModel;
  fields["attempts"] = summary.attempts.map(encodeAttempt);
  fields["adaptations"] = summary.adaptations.map(encodeAdaptation);
  addCost(fields, cost);
  fields["finish"] = summary.finishes.map(([index, finish]) => encodeFinish(index, finish));
  if (usage) fields["usage"] = encodeBuckets(usage);
  if (upstreamId !== undefined) fields["upstream_id"] = upstreamId;
  if (serviceTier !== undefined) fields["service_tier"] = serviceTier;
  if (trace) fields["trace"] = encodeTrace(trace);
  return fields;
}

function encodeAdaptation(adaptation: Adaptation): Record<string, string> {
  const { field, requestedJson, appliedJson, reason, quirkId } = adaptation;
  return {
    field,
    ...(requestedJson === "" ? {} : { requested_json: requestedJson }),
    ...(appliedJson === "" ? {} : { applied_json: appliedJson }),
    reason,
    ...(quirkId === undefined ? {} : { quirk_id: quirkId }),
  };
}
