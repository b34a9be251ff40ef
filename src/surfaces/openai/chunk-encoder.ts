import type {
  BlockDelta,
  Completed,
  Continued,
  Failed,
  GatewayError,
  Part,
  Started,
  StreamEvent,
  Usage,
} from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { CandidateChunks, type ChunkFrame } from "./candidate-chunks.ts";
import { encodeParley } from "./encode-parley.ts";
import { knownServiceTier } from "./encode-response.ts";
import { encodeUsage } from "./encode-usage.ts";
import { errorBody, originFields } from "./errors.ts";
import { finishError, finishWord } from "./finish.ts";
import { modelName } from "./headers.ts";

/** How a stream is written. */
export interface ChunkEncoderOptions {
  readonly requestId: string;
  /** Whether the last chunk carries usage figures, and all others a null in their place. */
  readonly includeUsage: boolean;
  readonly legacyFunctions: boolean;
  /** Seconds since 1970, where the answer does not tell when it was begun. */
  readonly nowSeconds: number;
  /** The error of an answer that this format cannot show as complete. */
  readonly errorOf: (error: ParleyError) => GatewayError;
}

/**
 * Writes the events of one answer as the SSE text of `chat.completion.chunk`s:
 * https://platform.openai.com/docs/api-reference/chat-streaming. What does not change is put together once, so that a
 * delta costs the escaping of its text and nothing else.
 *
 * `parley` stands in the last chunk before `[DONE]`: the usage chunk where usage was asked for, else the last chunk with
 * a finish reason, which is held back until the answer is complete; a chunk of its own without choices would break
 * clients that did not ask for one. After a failure there is `data: {"error": …}` and no `[DONE]`.
 */
export class ChunkEncoder {
  readonly #options: ChunkEncoderOptions;
  readonly #candidates = new Map<number, CandidateChunks>();
  #started: Started | undefined;
  #frame: ChunkFrame | undefined;
  #heldFinish: ((members: string) => string) | undefined;
  #error: ParleyError | undefined;
  #usage: Usage | undefined;
  #ended = false;

  constructor(options: ChunkEncoderOptions) {
    this.#options = options;
  }

  /** Whether the terminal has been written: nothing may follow. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The answer's first event, once it is there. */
  get started(): Started | undefined {
    return this.#started;
  }

  /** The text of these events; empty where they show nothing. */
  encode(events: readonly StreamEvent[]): string {
    let text = "";
    for (const event of events) if (!this.#ended) text += this.#event(event);
    return text;
  }

  /** The text of an error that is no event of the answer. */
  fail(error: GatewayError): string {
    this.#ended = true;
    return `data: ${JSON.stringify(errorBody(error))}\n\n`;
  }

  #event({ event }: StreamEvent): string {
    switch (event.case) {
      case "blockDelta":
        return this.#delta(event.value);
      case "started":
        return this.#start(event.value);
      case "blockStarted":
        return this.#block(event.value.candidate, event.value.block, event.value.part, "start");
      case "blockFinished":
        return this.#block(event.value.candidate, event.value.block, event.value.part, "finish");
      case "usageUpdated":
        this.#usage = event.value.usage;
        return "";
      case "candidateFinished":
        return this.#finish(event.value.candidate, event.value.finish);
      case "completed":
        return this.#complete(event.value);
      case "failed":
        return this.#fail(event.value);
      case "continued":
        return this.#continue(event.value);
      case "keptAlive":
        return ": keep-alive\n\n";
      default:
        return "";
    }
  }

  #start(started: Started): string {
    this.#started = started;
    this.#frame = this.#frameOf(started);
    return this.#candidate(0).role();
  }

  #frameOf(started: Started): ChunkFrame {
    const head = JSON.stringify({
      id: started.id,
      object: "chat.completion.chunk",
      created: started.createdAt ? Number(started.createdAt.seconds) : this.#options.nowSeconds,
      model: modelName(started.origin),
      ...(started.systemFingerprint === undefined ? {} : { system_fingerprint: started.systemFingerprint }),
    }).slice(0, -1);
    return {
      head: `data: ${head}`,
      usage: this.#options.includeUsage ? ',"usage":null' : "",
      legacyFunctions: this.#options.legacyFunctions,
    };
  }

  // Another provider goes on with the same answer: an empty delta says so, and later chunks name it as their model.
  #continue({ origin, attempt, adaptations }: Continued): string {
    const started = this.#started;
    if (!started || !origin) return "";
    this.#started = { ...started, origin, adaptations: [...started.adaptations, ...adaptations] };
    this.#frame = this.#frameOf(this.#started);
    for (const candidate of this.#candidates.values()) candidate.reframe(this.#frame);
    const told = JSON.stringify({ continued: { ...originFields(origin), attempt } });
    const choice = '[{"index":0,"delta":{},"logprobs":null,"finish_reason":null}]';
    return `${this.#frame.head},"choices":${choice}${this.#frame.usage},"parley":${told}}\n\n`;
  }

  #common(): ChunkFrame {
    if (!this.#frame) throw new RangeError("Cannot write a chunk: the answer has not started");
    return this.#frame;
  }

  #candidate(index: number): CandidateChunks {
    let candidate = this.#candidates.get(index);
    if (!candidate) {
      candidate = new CandidateChunks(index, this.#common());
      this.#candidates.set(index, candidate);
    }
    return candidate;
  }

  #delta(delta: BlockDelta): string {
    return this.#flushHeld() + this.#candidate(delta.candidate).delta(delta);
  }

  #block(index: number, block: number, part: Part | undefined, what: "start" | "finish"): string {
    if (!part) return "";
    const candidate = this.#candidate(index);
    const text =
      what === "start" ? candidate.role() + candidate.start(block, part) : candidate.finishBlock(block, part);
    return text === "" ? "" : this.#flushHeld() + text;
  }

  #finish(index: number, finish: Parameters<typeof finishWord>[0]): string {
    const candidate = this.#candidate(index);
    const word = finishWord(finish, this.#options.legacyFunctions);
    candidate.finish = finish;
    if (word === undefined) {
      this.#error ??= finishError(finish);
      return candidate.role();
    }
    const text = candidate.role() + this.#flushHeld();
    if (this.#options.includeUsage) return text + candidate.last(word, "");
    this.#heldFinish = (members) => candidate.last(word, members);
    return text;
  }

  #flushHeld(): string {
    const held = this.#heldFinish;
    this.#heldFinish = undefined;
    return held ? held("") : "";
  }

  #complete(completed: Completed): string {
    if (this.#error) return this.fail(this.#options.errorOf(this.#error));
    this.#ended = true;
    const usage = completed.usage ?? this.#usage;
    const tier = knownServiceTier(completed.serviceTier);
    const tierMember = tier === undefined ? "" : `,"service_tier":${JSON.stringify(tier)}`;
    const members = `${tierMember},"parley":${JSON.stringify(this.#summary(completed, usage))}`;
    return `${this.#lastChunk(members, usage)}data: [DONE]\n\n`;
  }

  #lastChunk(members: string, usage: Usage | undefined): string {
    const held = this.#heldFinish;
    if (held) return held(members);
    const figures = this.#options.includeUsage ? `,"usage":${JSON.stringify(encodeUsage(usage) ?? null)}` : "";
    return `${this.#common().head},"choices":[]${figures}${members}}\n\n`;
  }

  #summary(completed: Completed, usage: Usage | undefined): Record<string, unknown> {
    const started = this.#started;
    return encodeParley({
      requestId: started?.id ?? this.#options.requestId,
      origin: started?.origin,
      attempts: completed.attempts,
      adaptations: [...(started?.adaptations ?? []), ...completed.adaptations],
      cost: completed.cost,
      usage,
      finishes: [...this.#candidates].map(([index, { finish }]) => [index, finish]),
      upstreamId: started?.upstreamId,
      serviceTier: completed.serviceTier,
      trace: completed.trace,
    });
  }

  #fail(failed: Failed): string {
    const unexplained = new ParleyError(
      "GATEWAY_INTERNAL",
      "Cannot complete the answer: it failed and does not say why",
    );
    return this.fail(failed.error ?? this.#options.errorOf(unexplained));
  }
}
