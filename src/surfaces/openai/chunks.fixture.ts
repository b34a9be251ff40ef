import { expect } from "vitest";
import {
  BlockWriter,
  FinishReason,
  candidateFinished,
  type BlockDelta,
  type Part,
  type StreamEvent,
} from "../../contract/index.ts";
import { ChunkEncoder } from "./chunk-encoder.ts";
import { ownError } from "./errors.ts";
import { openAiSpec } from "./openai-spec.ts";
import { completedEvent, sseData, startedEvent } from "./answers.fixture.ts";

// What the tests of streams share. Only tests import it.

/** An object of JSON. */
export type Json = Record<string, unknown>;
/** A chunk of a stream. */
export interface Chunk extends Json {
  choices: { index: number; delta: Json; logprobs: Json | null; finish_reason: string | null }[];
}

interface Options {
  includeUsage?: boolean;
  legacyFunctions?: boolean;
}

/** An encoder of one stream. */
export function encoderFor(options: Options = {}): ChunkEncoder {
  return new ChunkEncoder({
    requestId: "req_1",
    includeUsage: false,
    legacyFunctions: false,
    nowSeconds: 1,
    errorOf: (error) => ownError(error, { requestId: "req_1", errorId: "err_1" }),
    ...options,
  });
}

/** The chunks of these events; each is checked against OpenAI's schema. */
export function chunksOf(events: readonly StreamEvent[], options: Options = {}): Chunk[] {
  const text = encoderFor(options).encode(events);
  const data = sseData(text);
  expect(data.at(-1)).toBe("[DONE]");
  return data.slice(0, -1).map((one) => {
    const chunk = JSON.parse(one) as Chunk;
    expect(openAiSpec?.check("CreateChatCompletionStreamResponse", chunk) ?? []).toEqual([]);
    return chunk;
  });
}

/** A part as it opens, and what is added to it. */
export type Step = readonly [part: Part, ...deltas: BlockDelta["delta"][]];

/** The events of a streamed answer: parts that open as given and go on by deltas. */
export function streamed(steps: readonly Step[], finish: FinishReason = FinishReason.STOP): StreamEvent[] {
  const events = [startedEvent("req_1")];
  const writer = new BlockWriter();
  for (const [part, ...deltas] of steps) {
    const block = writer.open(events, 0, part);
    for (const delta of deltas) writer.append(events, 0, block, delta);
    writer.close(events, 0, block);
  }
  events.push(candidateFinished(0, finish, "native"), completedEvent());
  return events;
}

/** A piece of text. */
export const text = (value: string): BlockDelta["delta"] => ({ case: "text", value });
/** A piece of arguments. */
export const json = (value: string): BlockDelta["delta"] => ({ case: "argumentsJson", value });

/** Puts chunks together as clients do. */
export function accumulate(chunks: readonly Chunk[]): Json {
  const message: Json = { content: null, refusal: null };
  const calls: Json[] = [];
  for (const { delta } of chunks.flatMap(({ choices }) => choices)) {
    for (const name of ["content", "refusal", "reasoning_content"]) {
      if (typeof delta[name] === "string") message[name] = ((message[name] as string | null) ?? "") + delta[name];
    }
    for (const name of ["annotations", "images", "reasoning_details"]) {
      if (delta[name])
        message[name] = [...((message[name] as unknown[] | undefined) ?? []), ...(delta[name] as unknown[])];
    }
    for (const fragment of (delta["tool_calls"] as ({ index: number } & Json)[] | undefined) ?? [])
      addCall(calls, fragment);
  }
  if (calls.length > 0) message["tool_calls"] = calls;
  return message;
}

function addCall(calls: Json[], { index, ...fragment }: { index: number } & Json): void {
  const known = calls[index] as { function?: { arguments: string }; custom?: { input: string } } | undefined;
  if (!known) calls[index] = "custom" in fragment ? { type: "custom", ...fragment } : fragment;
  const { function: fn, custom } = fragment as { function?: { arguments: string }; custom?: { input: string } };
  if (known?.function && fn) known.function.arguments += fn.arguments;
  if (known?.custom && custom) known.custom.input += custom.input;
}
