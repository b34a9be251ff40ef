import { AnswerReader } from "./answer-reader.ts";
import type { CallContext } from "./call-error.ts";
import type { ChatResponse, GenerateStreamResponse, StreamEvent } from "./contract.ts";

/** Events of one answer: a `ChatStream`, the stream of a generated client, or a list. */
export type EventSource =
  | AsyncIterable<StreamEvent | GenerateStreamResponse>
  | Iterable<StreamEvent | GenerateStreamResponse>;

/** Marks streams whose events were checked already. */
export const alreadyChecked: unique symbol = Symbol("parley.alreadyChecked");

/** The events of `source`, checked: iterating throws where they do not end in a complete answer. */
export function checkedEvents(source: EventSource): AsyncIterable<StreamEvent> {
  if (alreadyChecked in source) return source as AsyncIterable<StreamEvent>;
  return readEvents(source, new AnswerReader());
}

/**
 * Reads a stream to its end and folds it into the whole answer. Throws `TruncatedStreamError` where it ends without a
 * terminal, `BrokenStreamError` where events are missing or out of order, and `ParleyRequestError` where it failed: the
 * `failed` event and the status that follows it are one error, thrown once.
 */
export async function collect(source: EventSource): Promise<ChatResponse> {
  const reader = new AnswerReader();
  for await (const event of readEvents(source, reader)) void event;
  return wholeResponse(reader);
}

/** The answer that a stream has ended with. Throws `RangeError` where its reading was given up before. */
export function wholeResponse(reader: AnswerReader): ChatResponse {
  const { response } = reader;
  if (!response) throw new RangeError("Cannot give the answer: its stream was not read to the end");
  return response;
}

/** Reads `source` through `reader`; `call` tells what is known of the call when it breaks. */
export async function* readEvents(
  source: EventSource,
  reader: AnswerReader,
  call?: CallContext,
): AsyncGenerator<StreamEvent, void, undefined> {
  const iterator = iteratorOf(source);
  try {
    for (;;) {
      const next = await nextOf(iterator, reader, call);
      if (next.done) return;
      const event = eventOf(next.value);
      if (!event) continue;
      reader.take(event);
      yield event;
    }
  } finally {
    await iterator.return?.();
  }
}

type EventIterator =
  | AsyncIterator<StreamEvent | GenerateStreamResponse>
  | Iterator<StreamEvent | GenerateStreamResponse>;

async function nextOf(
  iterator: EventIterator,
  reader: AnswerReader,
  call?: CallContext,
): Promise<IteratorResult<StreamEvent | GenerateStreamResponse>> {
  let next: IteratorResult<StreamEvent | GenerateStreamResponse>;
  try {
    next = await iterator.next();
  } catch (thrown) {
    reader.interrupt(thrown, call);
    return { done: true, value: undefined };
  }
  if (next.done) reader.end();
  return next;
}

function iteratorOf(source: EventSource): EventIterator {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

// The generated client wraps each event in the RPC's response message.
function eventOf(value: StreamEvent | GenerateStreamResponse): StreamEvent | undefined {
  return value.$typeName === "parley.v1.StreamEvent" ? value : value.event;
}
