import type { ServerResponse } from "node:http";
import type { ConnectError } from "@connectrpc/connect";
import type { StreamEvent } from "../../contract/index.ts";
import type { EventSink } from "../../pipeline/call.ts";
import type { AnyResponse } from "../exchange.ts";
import { StreamBody } from "../stream-body.ts";
import { joined, type Framing } from "./framing.ts";

/** What a stream is written with. */
export interface StreamSinkOptions {
  readonly response: AnyResponse;
  readonly framing: Framing;
  /** Headers of the response, chosen when its first event is known. */
  readonly headersOf: (first: StreamEvent) => Record<string, string>;
  /** An event as its framed message. */
  readonly encode: (event: StreamEvent) => Uint8Array;
  readonly streamBufferBytes: number;
}

/** Writes an answer's events to a response in the caller's protocol: all of one call as one write. */
export class StreamSink implements EventSink {
  onDrain: (() => void) | undefined;
  readonly #options: StreamSinkOptions;
  readonly #body: StreamBody;
  #begun = false;
  #over = false;

  constructor(options: StreamSinkOptions) {
    this.#options = options;
    const { response } = options;
    this.#body = new StreamBody(response, options.streamBufferBytes);
    response.on("drain", () => this.onDrain?.());
    response.once("close", () => (this.#over = true));
  }

  /** Whether the headers have left: from here on a failure can only end the stream. */
  get begun(): boolean {
    return this.#begun;
  }

  write(events: StreamEvent[]): boolean {
    const [first] = events;
    if (this.#over || !first) return true;
    const { encode } = this.#options;
    const pieces = events.map(encode);
    this.#begin(first);
    // The end of a complete answer leaves with its last event.
    if (events.at(-1)?.event.case === "completed") this.#finish(undefined, pieces);
    else return this.#body.write(joined(pieces));
    return true;
  }

  /** Ends the stream, with an error where it failed. Does nothing where it has ended or the caller has left. */
  end(error: ConnectError | undefined): void {
    if (!this.#over) this.#finish(error, []);
  }

  #begin(first: StreamEvent): void {
    if (this.#begun) return;
    this.#begun = true;
    const { framing, headersOf } = this.#options;
    this.#body.begin(200, { ...headersOf(first), "content-type": framing.contentType }, framing.hasTrailers);
  }

  #finish(error: ConnectError | undefined, pieces: Uint8Array[]): void {
    this.#over = true;
    const { body, trailers } = this.#options.framing.end(error);
    if (body) pieces.push(body);
    // Both kinds of response take the same arguments; TypeScript cannot call a union of their overloads.
    if (trailers) (this.#options.response as ServerResponse).addTrailers(trailers);
    this.#body.end(joined(pieces));
  }
}
