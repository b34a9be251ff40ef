import { create } from "@bufbuild/protobuf";
import { FinishSchema, type FinishReason } from "./gen/parley/v1/chat_pb.ts";
import type { Part } from "./gen/parley/v1/part_pb.ts";
import {
  BlockDeltaSchema,
  BlockFinishedSchema,
  BlockStartedSchema,
  CandidateFinishedSchema,
  CompletedSchema,
  KeptAliveSchema,
  StartedSchema,
  StreamEventSchema,
  UsageUpdatedSchema,
  type BlockDelta,
  type Completed,
  type Started,
  type StreamEvent,
} from "./gen/parley/v1/stream_pb.ts";
import type { Usage } from "./gen/parley/v1/usage_pb.ts";
import type { MessageInitShape } from "@bufbuild/protobuf";

// Constructors of events. Codecs leave `seq` unset; the pipeline numbers what it delivers.

/** The kind of an event, for example `blockDelta`. */
export type EventCase = NonNullable<StreamEvent["event"]["case"]>;

/** `started`, with what a codec knows; the pipeline adds id, origin, time and adaptations. */
export function started(init: MessageInitShape<typeof StartedSchema>): StreamEvent {
  return create(StreamEventSchema, { event: { case: "started", value: create(StartedSchema, init) as Started } });
}

/** `block_started` of a part as far as it is known. */
export function blockStarted(candidate: number, block: number, part: Part): StreamEvent {
  return create(StreamEventSchema, {
    event: { case: "blockStarted", value: create(BlockStartedSchema, { candidate, block, part }) },
  });
}

/** `block_delta`. */
export function blockDelta(candidate: number, block: number, delta: BlockDelta["delta"], piece = 0): StreamEvent {
  return create(StreamEventSchema, {
    event: { case: "blockDelta", value: create(BlockDeltaSchema, { candidate, block, delta, piece }) },
  });
}

/** `block_finished` with the whole part. */
export function blockFinished(candidate: number, block: number, part: Part): StreamEvent {
  return create(StreamEventSchema, {
    event: { case: "blockFinished", value: create(BlockFinishedSchema, { candidate, block, part }) },
  });
}

/** `usage_updated` with cumulative figures. */
export function usageUpdated(usage: Usage): StreamEvent {
  return create(StreamEventSchema, { event: { case: "usageUpdated", value: create(UsageUpdatedSchema, { usage }) } });
}

/** `candidate_finished`; `native` is the provider's own word. */
export function candidateFinished(
  candidate: number,
  reason: FinishReason,
  native: string,
  more: Omit<MessageInitShape<typeof FinishSchema>, "$typeName" | "reason" | "native"> = {},
): StreamEvent {
  const finish = create(FinishSchema, { ...more, reason, native });
  return create(StreamEventSchema, {
    event: { case: "candidateFinished", value: create(CandidateFinishedSchema, { candidate, finish }) },
  });
}

/** `completed`; a codec sets usage and service tier, the pipeline adds cost and attempts. */
export function completed(init: MessageInitShape<typeof CompletedSchema>): StreamEvent {
  return create(StreamEventSchema, { event: { case: "completed", value: create(CompletedSchema, init) as Completed } });
}

/** `kept_alive`, which has no number. */
export function keptAlive(): StreamEvent {
  return create(StreamEventSchema, { event: { case: "keptAlive", value: create(KeptAliveSchema) } });
}

/** Whether the event is content: text, reasoning, a tool call or media that the caller will see. */
export function isContent(event: StreamEvent): boolean {
  switch (event.event.case) {
    case "blockDelta":
      return deltaIsContent(event.event.value.delta);
    case "blockStarted":
      return event.event.value.part?.kind.case === "toolCall";
    case "blockFinished":
      return partIsContent(event.event.value.part);
    default:
      return false;
  }
}

function deltaIsContent(delta: BlockDelta["delta"]): boolean {
  switch (delta.case) {
    case undefined:
    case "state":
    case "logprobsOnly":
      return false;
    case "citation":
      return true;
    case "media":
      return delta.value.length > 0;
    default:
      return delta.value !== "";
  }
}

function partIsContent(part: Part | undefined): boolean {
  switch (part?.kind.case) {
    case undefined:
      return false;
    case "text":
    case "refusal":
      return part.kind.value.text !== "";
    case "reasoning":
      return part.kind.value.text.some((text) => text !== "") || part.kind.value.summary.some((text) => text !== "");
    default:
      return true;
  }
}

/** Whether the event is the stream's last one. */
export function isTerminal(event: StreamEvent): boolean {
  return event.event.case === "completed" || event.event.case === "failed";
}
