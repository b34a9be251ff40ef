import { Buffer } from "node:buffer";
import { type Answer, type AnswerStep, answerSteps, tokenCount } from "./answer.ts";
import type { Ask } from "./ask.ts";
import type { Settings } from "./model-name.ts";
import { frameEvent, type SseEvent } from "./sse.ts";
import { END, head, type Head, type Step, upTo, wait, write, writeWhole } from "./steps.ts";
import type { FailureDetails, FailureKind, ReadRequest, Stamp, WireFormat } from "./wire-format.ts";

/** How an answer is delivered. */
export type Mode = "unary" | "stream";

/** An event of a streamed answer and what it is for. */
export interface Piece {
  readonly of: AnswerStep["type"];
  readonly tokens: number;
  readonly event: SseEvent;
}

/** One request and its good answer: what a fault has to work with. Independent of the wire format. */
export class Exchange {
  readonly settings: Settings;
  readonly mode: Mode;
  readonly ask: Ask;
  /** The good answer. */
  readonly answer: Answer;
  /** Wall clock, milliseconds. */
  readonly nowMs: number;
  readonly #format: WireFormat;
  readonly #request: ReadRequest;
  readonly #stamp: Stamp;

  constructor(parts: {
    settings: Settings;
    answer: Answer;
    format: WireFormat;
    request: ReadRequest;
    stamp: Stamp;
    nowMs: number;
  }) {
    this.settings = parts.settings;
    this.ask = parts.request.ask;
    this.mode = this.ask.stream ? "stream" : "unary";
    this.answer = parts.answer;
    this.nowMs = parts.nowMs;
    this.#format = parts.format;
    this.#request = parts.request;
    this.#stamp = parts.stamp;
  }

  /** Status 200 and the headers of a good answer, less its length. */
  head(mode: Mode = this.mode, extra: Readonly<Record<string, string>> = {}): Head {
    const type = mode === "stream" ? "text/event-stream; charset=utf-8" : "application/json";
    return head(200, { "content-type": type, ...this.#format.headers(this.#stamp), ...extra });
  }

  /** JSON text of the whole answer. */
  body(answer: Answer = this.answer): string {
    return this.#request.body(answer, this.#stamp);
  }

  /** The events of the streamed answer, made as they are asked for. */
  *pieces(answer: Answer = this.answer): Generator<Piece> {
    const eventsOf = this.#request.stream(answer, this.#stamp);
    // What a format says only once a part is whole counts with the event that says it.
    let tokens = 0;
    for (const step of answerSteps(answer)) {
      if (step.type === "token") tokens += 1;
      for (const event of eventsOf(step)) {
        yield { of: step.type, tokens, event };
        tokens = 0;
      }
    }
  }

  /** Everything that a well-behaved upstream does. */
  *good(answer: Answer = this.answer, mode: Mode = this.mode): Generator<Step> {
    if (mode === "stream") {
      yield this.head(mode);
      yield* this.writePieces(this.pieces(answer));
    } else {
      const body = this.body(answer);
      yield this.head(mode, { "content-length": String(Buffer.byteLength(body)) });
      yield writeWhole(body, tokenCount(answer));
    }
    yield END;
  }

  /** Writes of these pieces, with the pause between tokens; each token leaves on its own even without one. */
  *writePieces(pieces: Iterable<Piece>, lineEnd = this.#format.lineEnd): Generator<Step> {
    let first = true;
    for (const piece of pieces) {
      if (piece.tokens > 0 && !first) yield wait(this.settings.delay_ms);
      if (piece.tokens > 0) first = false;
      yield write(frameEvent(piece.event, lineEnd), piece.tokens);
    }
  }

  /** The good answer up to the point that the settings name; its end is left out. */
  untilFault(steps: Iterable<Step> = this.good()): Generator<Step> {
    const { after, at_byte } = this.settings;
    return upTo(steps, { tokens: after, bytes: at_byte, totalTokens: tokenCount(this.answer) });
  }

  /** A whole reply that says what failed. */
  *failure(kind: FailureKind, extra: Readonly<Record<string, string>> = {}, status?: number): Generator<Step> {
    const reply = this.#format.failure(kind, this.#about());
    const body = this.#format.stampFailure?.(reply.body, this.#stamp) ?? reply.body;
    const length = { "content-length": String(Buffer.byteLength(body)) };
    const headers = { ...reply.headers, ...this.#format.headers(this.#stamp), ...extra, ...length };
    yield head(status ?? reply.status, headers);
    yield write(body);
    yield END;
  }

  /** A failure as an event of a stream. */
  failureEvent(kind: FailureKind, eventsBefore: number): string {
    return frameEvent(this.#format.failureEvent(kind, this.#about(), eventsBefore), this.#format.lineEnd);
  }

  /** What keeps a stream alive without saying anything. */
  get ping(): string {
    return this.#format.ping;
  }

  #about(): FailureDetails {
    const { model, inputTokens, stream } = this.ask;
    const { window, retry_after } = this.settings;
    const retryAfter = /^\d+$/.test(retry_after ?? "") ? { retryAfterSeconds: Number(retry_after) } : {};
    return { model, window, inputTokens, stream, ...retryAfter };
  }
}
