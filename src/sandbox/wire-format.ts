import type { IncomingHttpHeaders } from "node:http";
import type { Answer, AnswerStep } from "./answer.ts";
import type { Ask } from "./ask.ts";
import type { SseEvent } from "./sse.ts";

/**
 * A wire format is the other side of a dialect: it reads requests strictly, as its vendor does, and writes answers and
 * failures. It knows nothing of faults. One folder each, with the same file names in all.
 */
export interface WireFormat {
  /** Name of the format and of its folder, for example `openai-chat`. */
  readonly id: string;
  /** What a request line asks for; undefined: it is not of this format. */
  endpoint(method: string, path: string, headers: IncomingHttpHeaders): Endpoint | undefined;
  /** Throws `Refusal` unless the request carries a key that is not `invalid`. `url` is its path and query. */
  authorise(headers: IncomingHttpHeaders, url: string): void;
  /** Reads and checks the body of a chat request, `url` being its path and query. Throws `Refusal`. */
  read(body: string, url: string): ReadRequest;
  /** Headers that every answer of this upstream has, failures included. */
  headers(stamp: Stamp): Readonly<Record<string, string>>;
  /** A failure as this vendor words it. */
  failure(kind: FailureKind, about: FailureDetails): WireReply;
  /** The body of a failure with what it tells of the request; unset: it tells nothing. */
  readonly stampFailure?: (body: string, stamp: Stamp) => string;
  /** The same failure inside a stream whose status was 200, after that many other events. */
  failureEvent(kind: FailureKind, about: FailureDetails, eventsBefore: number): SseEvent;
  /** How the lines of its streams end. */
  readonly lineEnd: "\n" | "\r\n";
  /** What vendors send to keep a stream alive that has nothing to say. */
  readonly ping: string;
  /** JSON text of the list of models, or of one. */
  models(ids: readonly string[]): string;
  model(id: string): string;
}

/** What a request line asks for. */
export type Endpoint =
  | { readonly kind: "chat" }
  | { readonly kind: "models" }
  | { readonly kind: "model"; readonly id: string };

/** A chat request, read; and how to write its answer. */
export interface ReadRequest {
  readonly ask: Ask;
  /** JSON text of a whole answer. */
  body(answer: Answer, stamp: Stamp): string;
  /** Begins to stream an answer. */
  stream(answer: Answer, stamp: Stamp): StepWriter;
}

/** Turns the steps of one streamed answer into events, each in its turn. */
export type StepWriter = (step: AnswerStep) => readonly SseEvent[];

/** What tells one answer from another. */
export interface Stamp {
  /** 24 hexadecimal characters; formats put their own prefix before it. */
  readonly id: string;
  readonly createdSeconds: number;
  readonly inputTokens: number;
}

/** A whole HTTP reply. */
export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What can go wrong at any vendor; how it looks is the format's. */
export type FailureKind =
  | "invalid_request"
  | "invalid_key"
  | "billing"
  | "forbidden_model"
  | "forbidden_region"
  | "model_not_found"
  | "context_length"
  | "content_blocked"
  | "prefill_refused"
  | "too_large"
  | "rate_limited"
  | "quota"
  | "server_error"
  | "unavailable"
  | "overloaded";

/** What a failure is about. */
export interface FailureDetails {
  readonly model: string;
  /** Instead of the vendor's usual words. */
  readonly message?: string;
  /** Limit of the context window, for `context_length`. */
  readonly window?: number;
  readonly inputTokens?: number;
  /** Whether the answer was to be streamed. */
  readonly stream?: boolean;
  /** When to come again, where the vendor says so in the body. */
  readonly retryAfterSeconds?: number;
}

/** Thrown while a request is read: the vendor refuses it. */
export class Refusal extends Error {
  readonly reply: WireReply;

  constructor(reply: WireReply) {
    super(reply.body);
    this.name = "Refusal";
    this.reply = reply;
  }
}
