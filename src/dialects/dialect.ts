import type { Adaptation, ChatRequest, StreamEvent } from "../contract/index.ts";
import type { ParleyError } from "../errors/index.ts";
import type { ModelFacts } from "../catalog/facts.ts";
import type { Headroom } from "./headroom.ts";

/**
 * A dialect is the pure codec of one wire format: no clock, no network, no store, no configuration.
 * It encodes a contract request for an upstream and decodes what comes back into contract events.
 */
export interface Dialect {
  /** Name of the wire format and of its folder, for example `openai-chat`. */
  readonly id: string;
  /** How its streams are framed. */
  readonly framing: "sse";
  /** Binding fields of the request that this target cannot honour. Empty: it can serve the request. */
  unsupported(request: ChatRequest, target: DialectTarget): readonly UnsupportedField[];
  /** The upstream request. Throws `ParleyError` when `unsupported` was not empty. */
  encode(request: ChatRequest, target: DialectTarget, options: EncodeOptions): EncodedRequest;
  /**
   * Events of a whole answer, without deltas: started, block_started + block_finished per part, candidate_finished per
   * candidate, completed. Throws `ParleyError` when the body is not an answer.
   */
  decodeResponse(body: string, target: DialectTarget, options: DecodeOptions): StreamEvent[];
  /** A decoder for one streamed answer. */
  streamDecoder(target: DialectTarget, options: DecodeOptions): StreamDecoder;
  /** The id by which the provider's support finds the call, from an answer's headers; undefined where they tell none. */
  requestId(headers: ErrorResponse["headers"]): string | undefined;
  /** What an answer's headers say is left until the provider's own limits; undefined where they tell nothing. */
  headroom(headers: ErrorResponse["headers"], nowMs: number): Headroom | undefined;
  /** The typed error behind an answer whose status is not 2xx. Never throws. */
  decodeError(response: ErrorResponse, target: DialectTarget): ParleyError;
}

/** What a codec may know about where a request goes. */
export interface DialectTarget {
  /** Configured name of the provider; the `provider` of every `Origin` the codec makes. */
  readonly provider: string;
  /** The provider's id of the model. */
  readonly model: string;
  /** Region, where known. */
  readonly region: string | undefined;
  /** What is known of the model: limits, capabilities, quirks. */
  readonly facts: ModelFacts;
}

/** A binding field that a target cannot honour. */
export interface UnsupportedField {
  /** Path in the request, for example `sampling.top_k`. */
  readonly field: string;
  /** Why not, in a sentence without the request's content. */
  readonly reason: string;
  /** True for a missing ability (images, tools), false for a parameter. */
  readonly capability: boolean;
}

/** How a request goes out. */
export interface EncodeOptions {
  readonly stream: boolean;
}

/** What a decoder may use besides the bytes: ids for calls to which the upstream gave none. */
export interface DecodeOptions {
  readonly newId: (prefix: string) => string;
  /** Told of each unknown member, event or enum value, as a path such as `choices[].delta.foo`. Counted as drift. */
  readonly onUnknown?: (path: string) => void;
}

/** A request as it leaves, without authorisation. */
export interface EncodedRequest {
  /** Appended to the provider's base URL, for example `/chat/completions`. */
  readonly path: string;
  /** JSON text. */
  readonly body: string;
  /** Headers beyond content-type and authorisation; lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** What was not passed on as asked for. */
  readonly adaptations: readonly Adaptation[];
}

/** Turns the frames of one streamed answer into events. */
export interface StreamDecoder {
  /**
   * Decodes one frame (for SSE: the data of one event, and its name) and appends its events to `out`.
   * Throws `ParleyError` on an error inside the stream or on a frame that cannot be read; `out` then holds what
   * preceded it.
   */
  push(data: string, out: StreamEvent[], eventName?: string): void;
  /**
   * The upstream ended cleanly. Appends what is still due, `completed` last. Throws `ParleyError`
   * (`STREAM_INTERRUPTED`) when the answer is not complete: a candidate without a finish reason.
   */
  end(out: StreamEvent[]): void;
  /** True once the format's own terminator was seen; what follows is ignored. */
  readonly terminated: boolean;
}

/** An answer whose status is not 2xx. */
export interface ErrorResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** At most 64 KiB of the body. */
  readonly body: string;
  /** Wall clock, milliseconds, to read dates in `retry-after`. */
  readonly nowMs: number;
}
