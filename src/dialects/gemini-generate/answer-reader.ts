import { BlockWriter, UsageSource, completed, started, usageUpdated, type StreamEvent } from "../../contract/index.ts";
import { ParleyError, type ReasonName } from "../../errors/index.ts";
import type { DecodeOptions, DialectTarget } from "../dialect.ts";
import { CandidateReader } from "./candidate-reader.ts";
import { blockedPrompt, errorFromBody } from "./decode-error.ts";
import { decodeUsage, hasFigures } from "./decode-usage.ts";
import { isKnownFinishWord } from "./finish-reason.ts";
import type { ParsedAnswer } from "./parse-answer.ts";
import { originOf } from "./provider-state.ts";
import { UnknownMembers } from "./unknown-members.ts";
import type { Candidate, GenerateContentResponse, UsageMetadata } from "./wire.ts";

const MAX_CANDIDATES = 128;

/** Reads one answer. A streamed one comes in events; a whole one is a single event. Both yield the same. */
export class AnswerReader {
  readonly #target: DialectTarget;
  readonly #options: DecodeOptions;
  readonly #whole: boolean;
  readonly #writer = new BlockWriter();
  readonly #candidates = new Map<number, CandidateReader>();
  readonly #unknown: UnknownMembers | undefined;
  #started = false;
  #usage: UsageMetadata | undefined;
  #serviceTier: string | undefined;

  constructor(target: DialectTarget, options: DecodeOptions, whole: boolean) {
    this.#target = target;
    this.#options = options;
    this.#whole = whole;
    this.#unknown = options.onUnknown ? new UnknownMembers(options.onUnknown) : undefined;
  }

  /** Takes an event in and appends its events. Throws `ParleyError` on an error inside the answer. */
  take({ value, text }: ParsedAnswer, out: StreamEvent[]): void {
    const { candidates, usageMetadata: usage } = value;
    if (value.error) {
      // What the failure cost is still worth knowing.
      if (this.#started && hasFigures(usage)) this.#takeUsage(usage, value, out);
      throw errorFromBody(value, this.#target);
    }
    this.#unknown?.check(value);
    if (candidates !== undefined && candidates !== null && !Array.isArray(candidates)) {
      throw new ParleyError("PROVIDER_BAD_OUTPUT", "Cannot read the answer: candidates is not a list");
    }
    const count = candidates?.length ?? 0;
    if (count === 0 && this.#candidates.size === 0 && value.promptFeedback?.blockReason) {
      throw blockedPrompt(value.promptFeedback, this.#target);
    }
    if (count > 0 && !this.#started) this.#start(value, out);
    for (let place = 0; place < count; place++) {
      const candidate = candidates?.[place] as Candidate;
      const reader = this.#reader(indexOf(candidate, place));
      const own = { candidate: () => text.candidate(place), part: (index: number) => text.part(place, index) };
      reader.take(candidate, own, out);
    }
    const tier = usage?.serviceTier ?? usage?.trafficType;
    if (isText(tier)) this.#serviceTier = tier;
    if (hasFigures(usage)) this.#takeUsage(usage, value, out);
  }

  /** Appends what is due at the end. Throws `ParleyError` where the answer is not complete. */
  finish(out: StreamEvent[]): void {
    const candidates = [...this.#candidates].toSorted(([a], [b]) => a - b).map(([, candidate]) => candidate);
    if (candidates.length === 0) throw this.#incomplete("it holds no candidate");
    if (candidates.some(({ finishWord }) => finishWord === undefined)) {
      throw this.#incomplete("it has no finish reason");
    }
    for (const { finishWord } of candidates) this.#checkFinish(finishWord ?? "");
    for (const candidate of candidates) candidate.finish(out);
    out.push(
      completed({
        ...(this.#usage ? { usage: decodeUsage(this.#usage, UsageSource.REPORTED, this.#searches()) } : {}),
        ...(this.#serviceTier === undefined ? {} : { serviceTier: this.#serviceTier }),
      }),
    );
  }

  #start({ modelVersion, responseId }: GenerateContentResponse, out: StreamEvent[]): void {
    this.#started = true;
    const { region } = this.#target;
    out.push(
      started({
        origin: {
          ...originOf(this.#target),
          ...(isText(modelVersion) ? { servedModel: modelVersion.slice(0, 256) } : {}),
          ...(region === undefined ? {} : { region }),
        },
        ...(isText(responseId) ? { upstreamId: responseId } : {}),
      }),
    );
  }

  #reader(index: number): CandidateReader {
    let reader = this.#candidates.get(index);
    if (reader) return reader;
    if (index >= MAX_CANDIDATES) {
      const message = `Cannot read the answer: it has more than ${MAX_CANDIDATES} candidates`;
      throw new ParleyError("PROVIDER_BAD_OUTPUT", message);
    }
    reader = new CandidateReader(index, this.#writer, this.#target, this.#options.newId);
    this.#candidates.set(index, reader);
    return reader;
  }

  #takeUsage(usage: UsageMetadata, answer: GenerateContentResponse, out: StreamEvent[]): void {
    this.#usage = usage;
    if (!this.#started) this.#start(answer, out);
    const source = this.#isEnding() ? UsageSource.REPORTED : UsageSource.PARTIAL;
    out.push(usageUpdated(decodeUsage(usage, source, this.#searches())));
  }

  // Figures that come before every candidate has ended are a state of things.
  #isEnding(): boolean {
    for (const { finishWord } of this.#candidates.values()) if (finishWord === undefined) return false;
    return this.#candidates.size > 0;
  }

  #searches(): number {
    let sum = 0;
    for (const { searches } of this.#candidates.values()) sum += searches;
    return sum;
  }

  #checkFinish(word: string): void {
    if (word === "MISSING_THOUGHT_SIGNATURE") {
      const { provider, model } = this.#target;
      const message = `Cannot finish the answer of ${provider}/${model}: a thought signature of an earlier turn is missing`;
      throw new ParleyError("STATE_INVALID", message, { upstream: { code: word } });
    }
    if (!isKnownFinishWord(word)) this.#options.onUnknown?.(`candidates[].finishReason=${word.slice(0, 64)}`);
  }

  #incomplete(what: string): ParleyError {
    const reason: ReasonName = this.#whole ? "PROVIDER_BAD_OUTPUT" : "STREAM_INTERRUPTED";
    const { provider, model } = this.#target;
    return new ParleyError(reason, `Cannot complete the answer of ${provider}/${model}: ${what}`);
  }
}

function indexOf({ index }: Candidate, place: number): number {
  return typeof index === "number" && Number.isInteger(index) && index >= 0 ? index : place;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
