import {
  BlockWriter,
  FinishReason,
  UsageSource,
  completed,
  started,
  usageUpdated,
  type StreamEvent,
} from "../../contract/index.ts";
import { ParleyError, type ReasonName } from "../../errors/index.ts";
import type { DecodeOptions, DialectTarget } from "../dialect.ts";
import { CandidateReader } from "./candidate-reader.ts";
import { decodeUsage } from "./decode-usage.ts";
import { finishReason, isKnownFinishWord } from "./finish-reason.ts";
import { errorInside } from "./decode-error.ts";
import { originOf } from "./provider-state.ts";
import { rulesOf } from "./target-rules.ts";
import { UnknownMembers } from "./unknown-members.ts";
import type { AnswerFields, ChatCompletionChunk, ChunkChoice, CompletionUsage } from "./wire.ts";

const MAX_CANDIDATES = 128;

/** Reads one answer. A streamed one comes in chunks; a whole one is a single chunk. Both yield the same events. */
export class AnswerReader {
  readonly #target: DialectTarget;
  readonly #options: DecodeOptions;
  readonly #whole: boolean;
  readonly #writer = new BlockWriter();
  readonly #candidates = new Map<number, CandidateReader>();
  readonly #unknown: UnknownMembers | undefined;
  #started = false;
  #usage: CompletionUsage | undefined;
  #serviceTier: string | undefined;
  readonly #sources: Pick<AnswerFields, "citations" | "search_results"> = {};

  constructor(target: DialectTarget, options: DecodeOptions, whole: boolean) {
    this.#target = target;
    this.#options = options;
    this.#whole = whole;
    this.#unknown = options.onUnknown ? new UnknownMembers(options.onUnknown) : undefined;
  }

  /** Takes a chunk in and appends its events. Throws `ParleyError` on an error inside the answer. */
  take(chunk: ChatCompletionChunk, out: StreamEvent[]): void {
    const { choices, usage } = chunk;
    const figures = usage ?? chunk.x_groq?.usage;
    const error = errorInside(chunk, this.#target);
    if (error) {
      // What the failure cost is still worth knowing.
      if (this.#started && figures && typeof figures === "object") this.#takeUsage(figures, chunk, out);
      throw error;
    }
    this.#unknown?.check(chunk);
    if (choices !== undefined && choices !== null && !Array.isArray(choices)) {
      throw new ParleyError("PROVIDER_BAD_OUTPUT", "Cannot read the answer: choices is not a list");
    }
    const count = choices?.length ?? 0;
    if (count > 0 && !this.#started) this.#start(chunk, out);
    for (let place = 0; place < count; place++) this.#takeChoice(choices?.[place] as ChunkChoice, place, out);
    if (isText(chunk.service_tier)) this.#serviceTier = chunk.service_tier;
    if (chunk.citations) this.#sources.citations = chunk.citations;
    if (chunk.search_results) this.#sources.search_results = chunk.search_results;
    if (figures && typeof figures === "object") this.#takeUsage(figures, chunk, out);
  }

  /** Appends what is due at the end. Throws `ParleyError` where the answer is not complete. */
  finish(out: StreamEvent[]): void {
    const candidates = this.#inOrder();
    if (candidates.length === 0) throw this.#incomplete("it holds no choice");
    if (candidates.some(({ finishWord }) => finishWord === undefined))
      throw this.#incomplete("it has no finish reason");
    for (const { finishWord } of candidates) this.#checkFinish(finishWord ?? "");
    for (const candidate of candidates) candidate.finish(out, this.#sources);
    const last: Parameters<typeof completed>[0] = {};
    if (this.#usage) last.usage = decodeUsage(this.#usage, UsageSource.REPORTED);
    if (this.#serviceTier !== undefined) last.serviceTier = this.#serviceTier;
    out.push(completed(last));
  }

  #inOrder(): CandidateReader[] {
    if (this.#candidates.size === 1) return [...this.#candidates.values()];
    return [...this.#candidates].toSorted(([a], [b]) => a - b).map(([, candidate]) => candidate);
  }

  #start(chunk: ChatCompletionChunk, out: StreamEvent[]): void {
    this.#started = true;
    const { region } = this.#target;
    out.push(
      started({
        origin: {
          ...originOf(this.#target),
          ...(isText(chunk.model) ? { servedModel: chunk.model.slice(0, 256) } : {}),
          ...(region === undefined ? {} : { region }),
        },
        ...(isText(chunk.id) ? { upstreamId: chunk.id } : {}),
        ...(isText(chunk.system_fingerprint) ? { systemFingerprint: chunk.system_fingerprint } : {}),
      }),
    );
  }

  #takeChoice(choice: ChunkChoice, place: number, out: StreamEvent[]): void {
    const index =
      typeof choice.index === "number" && Number.isInteger(choice.index) && choice.index >= 0 ? choice.index : place;
    let candidate = this.#candidates.get(index);
    if (!candidate) {
      if (index >= MAX_CANDIDATES) {
        throw new ParleyError(
          "PROVIDER_BAD_OUTPUT",
          `Cannot read the answer: it has more than ${MAX_CANDIDATES} choices`,
        );
      }
      const { settings } = rulesOf(this.#target.facts);
      const { newId } = this.#options;
      candidate = new CandidateReader(index, this.#writer, this.#target, settings, this.#whole, newId);
      this.#candidates.set(index, candidate);
    }
    candidate.take(choice, out);
  }

  #takeUsage(figures: CompletionUsage, chunk: ChatCompletionChunk, out: StreamEvent[]): void {
    this.#usage = figures;
    if (!this.#started) this.#start(chunk, out);
    // A whole answer tells its figures once, at its end.
    if (this.#whole) return;
    out.push(usageUpdated(decodeUsage(figures, this.#isEnding() ? UsageSource.REPORTED : UsageSource.PARTIAL)));
  }

  // Figures that come before every candidate has ended are a state of things.
  #isEnding(): boolean {
    for (const { finishWord } of this.#candidates.values()) if (finishWord === undefined) return false;
    return this.#candidates.size > 0;
  }

  #checkFinish(word: string): void {
    if (finishReason(word, false) === FinishReason.PROVIDER_ERROR) {
      const { provider, model } = this.#target;
      const message = `Cannot finish the answer of ${provider}/${model}: it ended with the finish reason ${word.slice(0, 64)}`;
      throw new ParleyError("PROVIDER_ERROR", message, { upstream: { code: word.slice(0, 64) } });
    }
    if (!isKnownFinishWord(word)) this.#options.onUnknown?.(`choices[].finish_reason=${word.slice(0, 64)}`);
  }

  #incomplete(what: string): ParleyError {
    const reason: ReasonName = this.#whole ? "PROVIDER_BAD_OUTPUT" : "STREAM_INTERRUPTED";
    const { provider, model } = this.#target;
    return new ParleyError(reason, `Cannot complete the answer of ${provider}/${model}: ${what}`);
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
