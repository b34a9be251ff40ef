import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  AdaptationSchema,
  AttemptSchema,
  CostSchema,
  FinishReason,
  OriginSchema,
  StreamEventSchema,
  BlockWriter,
  UsageSchema,
  UsageSource,
  candidateFinished,
  completed,
  started,
  type Part,
  type StreamEvent,
} from "../../contract/index.ts";
import { toGatewayError, type ParleyError } from "../../errors/index.ts";
import type { ChatCall, ChatOutcome, EventSink } from "../../pipeline/call.ts";

// Answers as the pipeline delivers them, and how they can fail. Only tests import it.

/** What a scripted answer says beside its parts. */
export interface ScriptedAnswer {
  readonly parts: readonly Part[];
  readonly finish?: FinishReason;
  readonly native?: string;
}

/** The origin of scripted answers. */
export const ORIGIN = create(OriginSchema, {
  provider: "house",
  dialect: "openai-chat",
  model: "qwen/qwen3",
  servedModel: "qwen3-2026",
  region: "eu",
});

/** `started` as the pipeline completes it. */
export function startedEvent(requestId: string): StreamEvent {
  return started({
    id: requestId,
    origin: ORIGIN,
    attempt: 2,
    createdAt: timestampFromMs(1_790_000_000_000),
    adaptations: [
      create(AdaptationSchema, { field: "sampling.seed", requestedJson: "7", reason: "the provider has no seed" }),
    ],
    systemFingerprint: "fp_1",
    upstreamId: "up_1",
  });
}

/** `completed` as the pipeline completes it. */
export function completedEvent(): StreamEvent {
  return completed({
    usage: create(UsageSchema, {
      inputTokens: 10,
      cacheReadTokens: 5,
      outputTokens: 7,
      reasoningTokens: 3,
      source: UsageSource.REPORTED,
      balanced: true,
    }),
    cost: create(CostSchema, { nanoUsd: 1_230_000n, priceVersion: "config" }),
    attempts: [create(AttemptSchema, { number: 1, target: ORIGIN, durationMs: 12 })],
    serviceTier: "default",
  });
}

/** The events of a whole answer, one candidate per element: as a codec's `decodeResponse` yields them. */
export function wholeEvents(requestId: string, candidates: readonly ScriptedAnswer[]): StreamEvent[] {
  const events = [startedEvent(requestId)];
  const writer = new BlockWriter();
  for (const [index, { parts, finish = FinishReason.STOP, native = "stop" }] of candidates.entries()) {
    for (const part of parts) writer.whole(events, index, part);
    events.push(candidateFinished(index, finish, native));
  }
  events.push(completedEvent());
  return events;
}

/** Answers a call with these parts, whole. */
export function answerWith(
  call: ChatCall,
  sink: EventSink,
  parts: readonly Part[],
  finish?: FinishReason,
): ChatOutcome {
  sink.write(wholeEvents(call.requestId, [{ parts, ...(finish === undefined ? {} : { finish }) }]));
  return { kind: "completed" };
}

/** The outcome of a call that failed before anything was delivered. */
export function failWith(call: ChatCall, error: ParleyError): ChatOutcome {
  const context = { requestId: call.requestId, errorId: "err_p", contentDelivered: false, attempts: [] };
  return { kind: "failed", error, gatewayError: toGatewayError(error, context), delivered: false };
}

/** Ends a call's stream with a failure. */
export function breakWith(call: ChatCall, sink: EventSink, error: ParleyError): ChatOutcome {
  const context = { requestId: call.requestId, errorId: "err_p", contentDelivered: true, attempts: [] };
  const gatewayError = toGatewayError(error, context);
  sink.write([create(StreamEventSchema, { event: { case: "failed", value: { error: gatewayError } } })]);
  return { kind: "failed", error, gatewayError, delivered: true };
}

/** The data of an SSE text's events; comments are left out. */
export function sseData(text: string): string[] {
  return text
    .split("\n\n")
    .filter((block) => block.startsWith("data: "))
    .map((block) => block.slice("data: ".length));
}
