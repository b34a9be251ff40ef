import type { GatewayError, StreamEvent } from "../../contract/index.ts";
import type { EventSink } from "../../pipeline/call.ts";
import type { AnyResponse } from "../exchange.ts";
import { StreamBody } from "../stream-body.ts";
import type { ChunkEncoder } from "./chunk-encoder.ts";
import { streamHeaders, type ResponseHeaders } from "./headers.ts";

/** Writes an answer's events to a response as server-sent events: all of one call as one write. */
export class StreamSink implements EventSink {
  onDrain: (() => void) | undefined;
  readonly #response: AnyResponse;
  readonly #encoder: ChunkEncoder;
  readonly #headers: ResponseHeaders;
  readonly #body: StreamBody;
  #closed = false;

  /** `bufferBytes`: most that waits for a slow reader before the pipeline is asked to pause. */
  constructor(response: AnyResponse, encoder: ChunkEncoder, headers: ResponseHeaders, bufferBytes: number) {
    this.#response = response;
    this.#encoder = encoder;
    this.#headers = headers;
    this.#body = new StreamBody(response, bufferBytes);
    response.on("drain", () => this.onDrain?.());
    response.once("close", () => {
      this.#closed = true;
    });
  }

  write(events: StreamEvent[]): boolean {
    if (this.#closed || this.#encoder.ended) return true;
    const text = this.#encoder.encode(events);
    this.#begin();
    if (this.#encoder.ended) this.#body.end(text);
    else if (text !== "") return this.#body.write(text);
    return true;
  }

  /** Ends a stream that something other than its events has broken. Does nothing where it has ended. */
  fail(error: GatewayError): void {
    if (this.#closed || this.#encoder.ended) return;
    this.#begin();
    this.#body.end(this.#encoder.fail(error));
  }

  // Headers wait for the first event: until then a failure can still be a status.
  #begin(): void {
    if (this.#response.headersSent) return;
    this.#body.begin(200, {
      ...this.#headers,
      ...streamHeaders(this.#encoder.started),
      "content-type": "text/event-stream; charset=utf-8",
      // Some reverse proxies collect a response before they pass it on unless they are told not to.
      "x-accel-buffering": "no",
    });
  }
}
