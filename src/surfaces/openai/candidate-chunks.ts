import type { BlockDelta, Finish, MediaPart, Part, TokenLogprob } from "../../contract/index.ts";
import {
  base64,
  callInput,
  encodeAnnotations,
  encodeImage,
  encodeLogprobs,
  isAudio,
  isCallersCall,
} from "./encode-parts.ts";
import { DetailEncoder, PIECE_SEPARATOR } from "./encode-reasoning.ts";
import type { FinishWord } from "./finish.ts";

/** What all chunks of a stream have in common. */
export interface ChunkFrame {
  /** `data: {"id":…` up to the last common member, without a closing brace. */
  readonly head: string;
  /** `,"usage":null` where usage was asked for, else empty. */
  readonly usage: string;
  readonly legacyFunctions: boolean;
}

const NO_LOGPROBS = ',"logprobs":null,"finish_reason":null}]';

/** Writes the chunks of one of a stream's answers. Every method returns SSE text, empty where there is nothing to show. */
export class CandidateChunks {
  /** Why the answer ended, once it has. */
  finish: Finish | undefined;
  readonly #index: number;
  #before = "";
  #textBefore = "";
  #after = "";
  #textAfter = "";
  #frame: ChunkFrame;
  /** Text around the fragments of each tool call's input; empty for calls that are not shown. */
  readonly #calls = new Map<number, CallFragments>();
  readonly #details = new DetailEncoder();
  readonly #texts: string[] = [];
  #roleSent = false;
  #shownCalls = 0;
  #reasoningPiece: string | undefined;
  #images = 0;
  #audioIdSent = false;

  constructor(index: number, frame: ChunkFrame) {
    this.#index = index;
    this.#frame = frame;
    this.reframe(frame);
  }

  /** From here on chunks have another head: another provider goes on. */
  reframe(frame: ChunkFrame): void {
    this.#frame = frame;
    this.#before = `${frame.head},"choices":[{"index":${this.#index},"delta":`;
    this.#textBefore = `${this.#before}{"content":`;
    this.#after = `${NO_LOGPROBS}${frame.usage}}\n\n`;
    this.#textAfter = `}${this.#after}`;
  }

  /** The chunk with the role, which comes once and first. */
  role(): string {
    if (this.#roleSent) return "";
    this.#roleSent = true;
    return this.#chunk('{"role":"assistant","content":"","refusal":null}');
  }

  /** The last chunk, with the finish reason and, where the stream ends with it, further top-level members. */
  last(word: FinishWord, members: string): string {
    return `${this.#before}{},"logprobs":null,"finish_reason":"${word}"}]${this.#frame.usage}${members}}\n\n`;
  }

  /** What is known of a block when it starts. */
  start(block: number, part: Part): string {
    const { kind } = part;
    switch (kind.case) {
      case "text":
        return kind.value.text === "" ? "" : this.#member("content", kind.value.text);
      case "refusal":
        return kind.value.text === "" ? "" : this.#member("refusal", kind.value.text);
      case "reasoning":
        return [
          ...kind.value.text.map((text, piece) => this.#reasoning(`${block}t${piece}`, text)),
          ...kind.value.summary.map((text, piece) => this.#reasoning(`${block}s${piece}`, text)),
        ].join("");
      case "toolCall":
        return isCallersCall(kind.value) ? this.#startCall(block, kind.value) : "";
      case "media":
        return isAudio(part) ? this.#startAudio(kind.value) : "";
      default:
        return "";
    }
  }

  /** A fragment of a block. */
  delta(event: BlockDelta): string {
    const { delta, logprobs, block, piece } = event;
    switch (delta.case) {
      case "text":
        if (logprobs.length > 0) return this.#withLogprobs("content", delta.value, logprobs);
        return delta.value === "" ? "" : this.#textBefore + JSON.stringify(delta.value) + this.#textAfter;
      case "reasoningText":
        return this.#reasoning(`${block}t${piece}`, delta.value);
      case "reasoningSummary":
        return this.#reasoning(`${block}s${piece}`, delta.value);
      case "argumentsJson":
      case "toolText":
        return this.#callInput(block, delta.value);
      case "refusal":
        if (logprobs.length > 0) return this.#withLogprobs("refusal", delta.value, logprobs);
        return delta.value === "" ? "" : this.#member("refusal", delta.value);
      case "media":
        return this.#chunk(JSON.stringify({ audio: { data: base64(delta.value) } }));
      case "transcript":
        return this.#chunk(JSON.stringify({ audio: { transcript: delta.value } }));
      case "logprobsOnly":
        return this.#withLogprobs("content", "", logprobs);
      default:
        // Citations and state come with the finished block.
        return "";
    }
  }

  /** What a block shows when it is whole: citations, state, images. */
  finishBlock(block: number, part: Part): string {
    let text = "";
    const { kind } = part;
    if (kind.case === "text") {
      const annotations = encodeAnnotations(kind.value.text, kind.value.citations, this.#texts);
      this.#texts.push(kind.value.text);
      if (annotations.length > 0) text += this.#chunk(JSON.stringify({ annotations }));
    }
    if (kind.case === "media") text += this.#finishMedia(part, kind.value);
    if (kind.case === "toolCall" && !kind.value.input.value) text += this.#callInput(block, callInput(kind.value));
    const details = this.#details.encode(part);
    return details.length > 0 ? text + this.#chunk(JSON.stringify({ reasoning_details: details })) : text;
  }

  #chunk(delta: string): string {
    return this.#before + delta + this.#after;
  }

  #member(name: string, value: string): string {
    return `${this.#before}{"${name}":${JSON.stringify(value)}${this.#textAfter}`;
  }

  #reasoning(piece: string, text: string): string {
    if (text === "") return "";
    const separator = this.#reasoningPiece === undefined || this.#reasoningPiece === piece ? "" : PIECE_SEPARATOR;
    this.#reasoningPiece = piece;
    return this.#member("reasoning_content", separator + text);
  }

  #withLogprobs(member: "content" | "refusal", text: string, tokens: readonly TokenLogprob[]): string {
    const logprobs = { content: null, refusal: null, [member]: encodeLogprobs(tokens) };
    const delta = text === "" ? {} : { [member]: text };
    return `${this.#before}${JSON.stringify(delta)},"logprobs":${JSON.stringify(logprobs)},"finish_reason":null}]${this.#frame.usage}}\n\n`;
  }

  #startCall(block: number, call: Extract<Part["kind"], { case: "toolCall" }>["value"]): string {
    const isLegacy = this.#frame.legacyFunctions && this.#shownCalls === 0;
    const index = isLegacy ? 0 : this.#shownCalls;
    this.#shownCalls += 1;
    const name = JSON.stringify(call.name);
    const input = JSON.stringify(call.input.value ?? "");
    if (isLegacy) {
      this.#calls.set(block, { before: `${this.#before}{"function_call":{"arguments":`, after: `}}${this.#after}` });
      return this.#chunk(`{"function_call":{"name":${name},"arguments":${input}}}`);
    }
    // OpenAI's schema of chunks knows calls of functions only: those of custom tools go without a type.
    const isCustom = call.input.case === "text";
    const kind = isCustom ? `"custom":{"input":` : `"function":{"arguments":`;
    this.#calls.set(block, {
      before: `${this.#before}{"tool_calls":[{"index":${index},${kind}`,
      after: `}}]}${this.#after}`,
    });
    const body = isCustom
      ? `"custom":{"name":${name},"input":${input}}`
      : `"type":"function","function":{"name":${name},"arguments":${input}}`;
    return this.#chunk(`{"tool_calls":[{"index":${index},"id":${JSON.stringify(call.callId)},${body}}]}`);
  }

  #callInput(block: number, fragment: string): string {
    const call = this.#calls.get(block);
    return call && fragment !== "" ? call.before + JSON.stringify(fragment) + call.after : "";
  }

  #startAudio(media: MediaPart): string {
    const text = this.#audioId(media);
    const { source, transcript } = media;
    const data = source.case === "inline" && source.value.length > 0 ? { data: base64(source.value) } : {};
    const said = transcript === undefined || transcript === "" ? {} : { transcript };
    const first = { ...data, ...said };
    return Object.keys(first).length > 0 ? text + this.#chunk(JSON.stringify({ audio: first })) : text;
  }

  #audioId(media: MediaPart): string {
    if (this.#audioIdSent || media.generatedId === undefined) return "";
    this.#audioIdSent = true;
    return this.#chunk(JSON.stringify({ audio: { id: media.generatedId } }));
  }

  #finishMedia(part: Part, media: MediaPart): string {
    if (isAudio(part)) {
      const expiry = media.expiresAt ? { audio: { expires_at: Number(media.expiresAt.seconds) } } : undefined;
      return this.#audioId(media) + (expiry ? this.#chunk(JSON.stringify(expiry)) : "");
    }
    const image = encodeImage(media);
    return image ? this.#chunk(JSON.stringify({ images: [{ ...image, index: this.#images++ }] })) : "";
  }
}

interface CallFragments {
  readonly before: string;
  readonly after: string;
}
