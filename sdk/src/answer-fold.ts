import { clone, create } from "@bufbuild/protobuf";
import {
  CandidateSchema,
  ChatResponseSchema,
  FinishReason,
  MessageSchema,
  Role,
  StartedSchema,
  type Adaptation,
  type Candidate,
  type ChatResponse,
  type Completed,
  type Continued,
  type Failed,
  type Finish,
  type Started,
  type StreamEvent,
  type Usage,
} from "./contract.ts";
import type { Delivered } from "./errors.ts";
import { OpenBlock } from "./open-block.ts";
import { textOf } from "./parts.ts";

interface FoldedCandidate {
  readonly blocks: Map<number, OpenBlock>;
  finish?: Finish;
}

/** Folds events into an answer, and knows at any moment what was delivered of it. It does not judge their order. */
export class AnswerFold {
  readonly #candidates = new Map<number, FoldedCandidate>();
  #started: Started | undefined;
  readonly #continuedAdaptations: Adaptation[] = [];
  #completed: Completed | undefined;
  #failed: Failed | undefined;
  #usage: Usage | undefined;

  /** Takes the next event. One of a kind that this SDK does not know changes nothing. */
  add({ event }: StreamEvent): void {
    switch (event.case) {
      case "started":
        this.#started = event.value;
        return;
      case "reset":
        this.#candidates.clear();
        this.#continuedAdaptations.length = 0;
        this.#usage = undefined;
        return;
      case "continued":
        this.#continue(event.value);
        return;
      case "blockStarted":
        this.#candidate(event.value.candidate).blocks.set(event.value.block, new OpenBlock(event.value.part));
        return;
      case "blockDelta":
        this.#block(event.value.candidate, event.value.block).append(event.value.delta, event.value.piece);
        return;
      case "blockFinished":
        if (event.value.part) this.#block(event.value.candidate, event.value.block).finish(event.value.part);
        return;
      case "usageUpdated":
        this.#usage = event.value.usage;
        return;
      case "candidateFinished":
        if (event.value.finish) this.#candidate(event.value.candidate).finish = event.value.finish;
        return;
      case "completed":
        this.#completed = event.value;
        return;
      case "failed":
        this.#failed = event.value;
        return;
      default:
        return;
    }
  }

  // Another target goes on with the same answer.
  #continue({ origin, adaptations }: Continued): void {
    this.#continuedAdaptations.push(...adaptations);
    if (!this.#started || !origin) return;
    this.#started = clone(StartedSchema, this.#started);
    this.#started.origin = origin;
  }

  /** Id of the request, once the answer has started. */
  get requestId(): string {
    return this.#started?.id ?? "";
  }

  /** What an answer lacks to be whole, or undefined where it lacks nothing. */
  missing(): string | undefined {
    if (this.#candidates.size === 0) return "it has no candidate";
    for (const [index, { blocks, finish }] of this.#candidates) {
      for (const [number, block] of blocks) {
        if (!block.finished) return `block ${number} of candidate ${index} has not finished`;
      }
      if (!finish || finish.reason === FinishReason.UNSPECIFIED) return `candidate ${index} has no finish reason`;
    }
    return undefined;
  }

  /** The whole answer. Call it after `completed` only. */
  response(): ChatResponse {
    const { id, origin, createdAt, upstreamId, systemFingerprint } = this.#started ?? create(ChatResponseSchema);
    const { cost, attempts, serviceTier, trace } = this.#completed ?? create(ChatResponseSchema);
    const usage = this.#completed?.usage ?? this.#usage;
    return create(ChatResponseSchema, {
      id,
      candidates: this.#folded(),
      adaptations: [
        ...(this.#started?.adaptations ?? []),
        ...this.#continuedAdaptations,
        ...(this.#completed?.adaptations ?? []),
      ],
      attempts,
      ...(origin ? { origin } : {}),
      ...(createdAt ? { createdAt } : {}),
      ...(usage ? { usage } : {}),
      ...(cost ? { cost } : {}),
      ...(upstreamId === undefined ? {} : { upstreamId }),
      ...(systemFingerprint === undefined ? {} : { systemFingerprint }),
      ...(serviceTier === undefined ? {} : { serviceTier }),
      ...(trace ? { trace } : {}),
    });
  }

  /** What was delivered so far. */
  delivered(lastSeq: number): Delivered {
    const candidates = this.#folded();
    const origin = this.#started?.origin;
    const usage = this.#failed?.usage ?? this.#usage;
    const cost = this.#failed?.cost;
    return {
      requestId: this.requestId,
      text: candidates[0] ? textOf(candidates[0]) : "",
      candidates,
      lastSeq,
      ...(origin ? { origin } : {}),
      ...(usage ? { usage } : {}),
      ...(cost ? { cost } : {}),
    };
  }

  /** Whether anything that the caller can see was delivered. */
  get hasContent(): boolean {
    for (const { blocks } of this.#candidates.values()) if (blocks.size > 0) return true;
    return false;
  }

  #folded(): Candidate[] {
    const origin = this.#started?.origin;
    return [...this.#candidates]
      .sort(([a], [b]) => a - b)
      .map(([index, { blocks, finish }]) => {
        const parts = [...blocks].sort(([a], [b]) => a - b).map(([, block]) => block.part);
        const message = create(MessageSchema, { role: Role.ASSISTANT, parts, ...(origin ? { origin } : {}) });
        return create(CandidateSchema, { index, message, ...(finish ? { finish } : {}) });
      });
  }

  #candidate(index: number): FoldedCandidate {
    let candidate = this.#candidates.get(index);
    if (!candidate) this.#candidates.set(index, (candidate = { blocks: new Map() }));
    return candidate;
  }

  #block(index: number, number: number): OpenBlock {
    const { blocks } = this.#candidate(index);
    let block = blocks.get(number);
    if (!block) blocks.set(number, (block = new OpenBlock(undefined)));
    return block;
  }
}
