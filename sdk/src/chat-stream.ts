import { Code, ConnectError } from "@connectrpc/connect";
import { AnswerReader } from "./answer-reader.ts";
import { alreadyChecked, readEvents, wholeResponse } from "./checked-events.ts";
import type { ChatResponse, GenerateStreamResponse, StreamEvent } from "./contract.ts";
import type { Delivered } from "./errors.ts";
import { textStream, type CandidateOption } from "./text-stream.ts";
import { toolCalls, type ToolCall } from "./tool-calls.ts";

/** Sends the request; called once, when the first event is asked for. */
export type OpenStream = (
  signal: AbortSignal,
  onHeader: (headers: Headers) => void,
) => AsyncIterable<GenerateStreamResponse>;

/**
 * A streamed answer, made by `chat.stream`: an async iterable of its events, to be read once. The request is sent when reading begins. Reading
 * throws `ParleyRequestError` where the answer fails (the `failed` event is thrown, not given), and leaving the loop
 * early cancels the request.
 */
export class ChatStream implements AsyncIterable<StreamEvent> {
  readonly [alreadyChecked] = true;
  readonly #open: OpenStream;
  readonly #signal: AbortSignal | undefined;
  readonly #timeoutMs: number;
  readonly #controller = new AbortController();
  readonly #reader = new AnswerReader();
  #begun = false;
  #requestId = "";

  constructor(open: OpenStream, signal: AbortSignal | undefined, timeoutMs: number) {
    this.#open = open;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
  }

  /** Begins to read. Throws `TypeError` the second time: events are not kept. */
  [Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void, undefined> {
    if (this.#begun) throw new TypeError("Cannot read a stream twice: its events are gone, keep what you need");
    this.#begun = true;
    return this.#read();
  }

  /** Reads to the end and gives the whole answer. Throws as reading does. */
  async collect(): Promise<ChatResponse> {
    for await (const event of this) void event;
    return wholeResponse(this.#reader);
  }

  /** Reads the text of one candidate, piece by piece as it comes. Throws as reading does. */
  text(option?: CandidateOption): AsyncIterable<string> {
    return textStream(this, option);
  }

  /** Reads tool calls, each as soon as it is whole and valid. Throws as reading does. */
  toolCalls(): AsyncIterable<ToolCall> {
    return toolCalls(this);
  }

  /** Cancels the request; whoever reads gets an error with reason `CANCELLED`. */
  cancel(reason?: unknown): void {
    this.#controller.abort(reason ?? new ConnectError("cancelled by its caller", Code.Canceled));
  }

  /** Id of the request, to find its trace at the gateway. Empty until the first headers. */
  get requestId(): string {
    return this.#requestId;
  }

  /** The whole answer, once the stream was read to its end. Undefined before, and where it failed. */
  get response(): ChatResponse | undefined {
    return this.#reader.response;
  }

  /** What was delivered so far: a fragment unless `response` is there. */
  get delivered(): Delivered {
    return this.#reader.delivered;
  }

  async *#read(): AsyncGenerator<StreamEvent, void, undefined> {
    const { signal } = this.#controller;
    const follow = (): void => this.#controller.abort(this.#signal?.reason);
    if (this.#signal?.aborted) follow();
    this.#signal?.addEventListener("abort", follow, { signal });
    const onHeader = (headers: Headers): void => {
      this.#requestId = headers.get("x-request-id") ?? "";
    };
    const events = cancelledByReturn(() => this.#open(signal, onHeader), this.#controller);
    yield* readEvents(events, this.#reader, { signal, timeoutMs: this.#timeoutMs });
  }
}

// A generated client's iterable has no `return`, so that leaving a loop would let the call run on.
function cancelledByReturn(
  open: () => AsyncIterable<GenerateStreamResponse>,
  controller: AbortController,
): AsyncIterable<GenerateStreamResponse> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = open()[Symbol.asyncIterator]();
      return {
        next: () => iterator.next(),
        return() {
          controller.abort(new ConnectError("its reader left", Code.Canceled));
          // One more step lets the transport see the end: it clears its deadline's timer there.
          iterator.next().catch(() => {});
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
}
