import type { Finish, FinishReason } from "./gen/parley/v1/chat_pb.ts";
import type { Origin, Part, TokenLogprob } from "./gen/parley/v1/part_pb.ts";
import type { Attempt } from "./gen/parley/v1/routing_pb.ts";
import type { BlockDelta, Completed, Continued, Reset, Started, StreamEvent } from "./gen/parley/v1/stream_pb.ts";
import type { Usage } from "./gen/parley/v1/usage_pb.ts";

// Constructors of events. Codecs leave `seq` unset; the pipeline numbers what it delivers.
// A message of a proto3 schema is a plain object with its type's name. Written out here it costs a tenth of what
// `create` costs, and there are several for each token; a test compares the two.

function streamEvent(kind: StreamEvent["event"]): StreamEvent {
  return { $typeName: "parley.v1.StreamEvent", event: kind };
}

type Fields<Message extends { $typeName: string }> = Partial<Omit<Message, "$typeName" | "$unknown">>;

/** `started`, with what a codec knows; the pipeline adds id, origin, time and adaptations. */
export function started(init: Omit<Fields<Started>, "origin"> & { origin?: Omit<Origin, "$typeName"> }): StreamEvent {
  const { origin, ...more } = init;
  const value: Started = { $typeName: "parley.v1.Started", id: "", adaptations: [], attempt: 0, ...more };
  if (origin) value.origin = { $typeName: "parley.v1.Origin", ...origin };
  return streamEvent({ case: "started", value });
}

/** `block_started` of a part as far as it is known. */
export function blockStarted(candidate: number, block: number, part: Part): StreamEvent {
  return streamEvent({ case: "blockStarted", value: { $typeName: "parley.v1.BlockStarted", candidate, block, part } });
}

/** `block_delta`. */
export function blockDelta(
  candidate: number,
  block: number,
  delta: BlockDelta["delta"],
  piece = 0,
  logprobs: TokenLogprob[] = [],
): StreamEvent {
  return streamEvent({
    case: "blockDelta",
    value: { $typeName: "parley.v1.BlockDelta", candidate, block, delta, logprobs, piece },
  });
}

/** `block_finished` with the whole part. */
export function blockFinished(candidate: number, block: number, part: Part): StreamEvent {
  return streamEvent({
    case: "blockFinished",
    value: { $typeName: "parley.v1.BlockFinished", candidate, block, part },
  });
}

/** `usage_updated` with cumulative figures. */
export function usageUpdated(usage: Usage): StreamEvent {
  return streamEvent({ case: "usageUpdated", value: { $typeName: "parley.v1.UsageUpdated", usage } });
}

/** `candidate_finished`; `native` is the provider's own word. */
export function candidateFinished(
  candidate: number,
  reason: FinishReason,
  native: string,
  more: Omit<Fields<Finish>, "reason" | "native"> = {},
): StreamEvent {
  const finish: Finish = { $typeName: "parley.v1.Finish", reason, native, ...more };
  return streamEvent({
    case: "candidateFinished",
    value: { $typeName: "parley.v1.CandidateFinished", candidate, finish },
  });
}

/** `completed`; a codec sets usage and service tier, the pipeline adds cost and attempts. */
export function completed(init: Fields<Completed>): StreamEvent {
  return streamEvent({
    case: "completed",
    value: { $typeName: "parley.v1.Completed", attempts: [], adaptations: [], ...init },
  });
}

/** `reset`: every event from number `fromSeq` on is void. */
export function reset(fromSeq: number, broken: Attempt | undefined): StreamEvent {
  const value: Reset = { $typeName: "parley.v1.Reset", fromSeq };
  if (broken) value.broken = broken;
  return streamEvent({ case: "reset", value });
}

/** `continued`: another target goes on. */
export function continued(init: Omit<Fields<Continued>, "adaptations"> & Pick<Continued, "adaptations">): StreamEvent {
  return streamEvent({ case: "continued", value: { $typeName: "parley.v1.Continued", attempt: 0, ...init } });
}

/** `kept_alive`, which has no number. */
export function keptAlive(): StreamEvent {
  return streamEvent({ case: "keptAlive", value: { $typeName: "parley.v1.KeptAlive" } });
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
