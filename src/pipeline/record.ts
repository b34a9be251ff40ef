import { toJson } from "@bufbuild/protobuf";
import { ChatRequestSchema, UsageSchema, withoutContent, type ChatRequest } from "../contract/index.ts";
import { inputSize } from "../ledger/estimate.ts";
import type { RequestTrace } from "./trace.ts";

/**
 * One decision as a line of JSON, for `parley replay`: the request's shape and size, where it could go, who served it and
 * at what cost. Nothing that the request or its answer says. Undefined: the request was refused before it had targets.
 */
export function decisionLine(
  keyId: string,
  trace: RequestTrace,
  request: ChatRequest,
  nowMs: number,
): string | undefined {
  const { decision, attempts, served } = trace.describe(nowMs);
  if (!decision) return undefined;
  const last = served && attempts.at(-1);
  const size = inputSize(request);
  return `${JSON.stringify({
    version: 1,
    at: new Date(trace.receivedAtMs).toISOString(),
    request_id: trace.requestId,
    key_id: keyId,
    request: toJson(ChatRequestSchema, withoutContent(request)),
    input: { upper_bound: size.upperBound, likely: size.likely, least: size.least },
    order: decision.candidates.flatMap((one) => (one.rank === undefined ? [] : [one.name])),
    ...(last?.usage ? { usage: toJson(UsageSchema, last.usage) } : {}),
    ...(last?.cost?.nanoUsd === undefined ? {} : { cost_nano_usd: String(last.cost.nanoUsd) }),
  })}\n`;
}
