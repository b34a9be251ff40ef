import { Role, type Candidate, type ChatResponse, type Message } from "./gen/parley/v1/chat_pb.ts";
import type { StreamEvent } from "./gen/parley/v1/stream_pb.ts";

/** Folds the events of one answer, one after the other, into the whole answer. */
export class ResponseFold {
  #response: ChatResponse = emptyResponse();
  #completed = false;

  /** Takes the next event in. */
  add(event: StreamEvent): void {
    const { event: kind } = event;
    switch (kind.case) {
      case "started": {
        const { id, origin, createdAt, adaptations, upstreamId, systemFingerprint } = kind.value;
        this.#response.id = id;
        if (origin) this.#response.origin = origin;
        if (createdAt) this.#response.createdAt = createdAt;
        this.#response.adaptations.push(...adaptations);
        if (upstreamId !== undefined) this.#response.upstreamId = upstreamId;
        if (systemFingerprint !== undefined) this.#response.systemFingerprint = systemFingerprint;
        return;
      }
      case "reset":
        this.#response = emptyResponse();
        return;
      case "continued":
        if (kind.value.origin) this.#response.origin = kind.value.origin;
        this.#response.adaptations.push(...kind.value.adaptations);
        return;
      case "blockFinished":
        if (kind.value.part) this.#candidate(kind.value.candidate).message!.parts[kind.value.block] = kind.value.part;
        return;
      case "usageUpdated":
        if (kind.value.usage) this.#response.usage = kind.value.usage;
        return;
      case "candidateFinished":
        if (kind.value.finish) this.#candidate(kind.value.candidate).finish = kind.value.finish;
        return;
      case "completed": {
        const { usage, cost, attempts, adaptations, serviceTier, trace } = kind.value;
        if (usage) this.#response.usage = usage;
        if (cost) this.#response.cost = cost;
        this.#response.attempts = attempts;
        this.#response.adaptations.push(...adaptations);
        if (serviceTier !== undefined) this.#response.serviceTier = serviceTier;
        if (trace) this.#response.trace = trace;
        this.#completed = true;
        return;
      }
      default:
        return;
    }
  }

  /** The whole answer. Throws `RangeError` when the events did not end with `completed`: then there is no answer. */
  response(): ChatResponse {
    if (!this.#completed) throw new RangeError("Cannot fold an answer: its events do not end with completed");
    return this.#response;
  }

  #candidate(index: number): Candidate {
    const { candidates } = this.#response;
    let candidate = candidates.find((one) => one.index === index);
    if (!candidate) {
      const message: Message = { $typeName: "parley.v1.Message", role: Role.ASSISTANT, parts: [] };
      if (this.#response.origin) message.origin = this.#response.origin;
      candidate = { $typeName: "parley.v1.Candidate", index, message };
      candidates.push(candidate);
      candidates.sort((a, b) => a.index - b.index);
    }
    return candidate;
  }
}

// As `create` makes it, for a tenth of its cost.
function emptyResponse(): ChatResponse {
  return { $typeName: "parley.v1.ChatResponse", id: "", candidates: [], adaptations: [], attempts: [] };
}

/** Folds a list of events into the whole answer. Throws `RangeError` when they do not end with `completed`. */
export function fold(events: Iterable<StreamEvent>): ChatResponse {
  const folding = new ResponseFold();
  for (const event of events) folding.add(event);
  return folding.response();
}
