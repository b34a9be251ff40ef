import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  BlockWriter,
  Executor,
  FinishReason,
  Modality,
  PartSchema,
  StreamEventSchema,
  candidateFinished,
  completed,
  fold,
  keptAlive,
  reasoningPart,
  refusalPart,
  textPart,
  toolCallPart,
  type BlockDelta,
  type Part,
  type StreamEvent,
} from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { ChunkEncoder } from "./chunk-encoder.ts";
import { encodeResponse } from "./encode-response.ts";
import { ownError } from "./errors.ts";
import { openAiSpec } from "./openai-spec.ts";
import { completedEvent, sseData, startedEvent } from "./test-support.ts";

type Json = Record<string, unknown>;
interface Chunk extends Json {
  choices: { index: number; delta: Json; logprobs: Json | null; finish_reason: string | null }[];
}

interface Options {
  includeUsage?: boolean;
  legacyFunctions?: boolean;
}

function encoderFor(options: Options = {}): ChunkEncoder {
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
function chunksOf(events: readonly StreamEvent[], options: Options = {}): Chunk[] {
  const text = encoderFor(options).encode(events);
  const data = sseData(text);
  expect(data.at(-1)).toBe("[DONE]");
  return data.slice(0, -1).map((one) => {
    const chunk = JSON.parse(one) as Chunk;
    expect(openAiSpec?.check("CreateChatCompletionStreamResponse", chunk) ?? []).toEqual([]);
    return chunk;
  });
}

type Step = readonly [part: Part, ...deltas: BlockDelta["delta"][]];

/** The events of a streamed answer: parts that open as given and go on by deltas. */
function streamed(steps: readonly Step[], finish: FinishReason = FinishReason.STOP): StreamEvent[] {
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

const text = (value: string): BlockDelta["delta"] => ({ case: "text", value });
const json = (value: string): BlockDelta["delta"] => ({ case: "argumentsJson", value });

/** Puts chunks together as clients do. */
function accumulate(chunks: readonly Chunk[]): Json {
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

describe("ChunkEncoder", () => {
  test.skipIf(!openAiSpec)("is checked by a check that finds something", () => {
    expect(openAiSpec?.check("CreateChatCompletionStreamResponse", { choices: [{}] })).not.toEqual([]);
  });

  test("writes the role first, then text, then the finish reason with parley, then [DONE]", () => {
    const chunks = chunksOf(streamed([[textPart(""), text("Hel"), text('lo\n\u2028"')]]));
    const common = {
      id: "req_1",
      object: "chat.completion.chunk",
      created: 1_790_000_000,
      model: "house/qwen/qwen3",
      system_fingerprint: "fp_1",
    };
    const choice = { index: 0, logprobs: null, finish_reason: null };
    expect(chunks.slice(0, 3)).toEqual([
      { ...common, choices: [{ ...choice, delta: { role: "assistant", content: "", refusal: null } }] },
      { ...common, choices: [{ ...choice, delta: { content: "Hel" } }] },
      { ...common, choices: [{ ...choice, delta: { content: 'lo\n\u2028"' } }] },
    ]);
    expect(chunks[3]).toMatchObject({
      choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
      service_tier: "default",
      parley: {
        request_id: "req_1",
        cost_usd: "0.00123",
        finish: [{ index: 0, reason: "stop", native: "native" }],
        usage: { source: "reported", input_tokens: 10 },
      },
    });
    expect(chunks).toHaveLength(4);
  });

  test("writes usage only where it was asked for: a last chunk without choices, and null in all others", () => {
    const events = streamed([[textPart(""), text("x")]]);
    const chunks = chunksOf(events, { includeUsage: true });
    expect(chunks.slice(0, -1).map((chunk) => chunk["usage"])).toEqual([null, null, null]);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 25 }, parley: { request_id: "req_1" } });
    expect(chunks.at(-2)).toMatchObject({ choices: [{ finish_reason: "stop" }] });
    expect(chunks.at(-2)).not.toHaveProperty("parley");
    for (const chunk of chunksOf(events)) expect(chunk).not.toHaveProperty("usage");
    const unknown = [...events.slice(0, -1), completed({})];
    expect(chunksOf(unknown, { includeUsage: true }).at(-1)).toMatchObject({ choices: [], usage: null });
  });

  test("writes parallel calls by their ordinal, and none that the provider ran", () => {
    const own = create(PartSchema, {
      kind: {
        case: "toolCall",
        value: {
          callId: "p",
          name: "web_search",
          executor: Executor.PROVIDER,
          input: { case: "argumentsJson", value: "" },
        },
      },
    });
    const custom = create(PartSchema, {
      kind: { case: "toolCall", value: { callId: "c2", name: "g", input: { case: "text", value: "" } } },
    });
    const chunks = chunksOf(
      streamed(
        [
          [own, json("{}")],
          [toolCallPart("c1", "f", ""), json('{"a"'), json(":1}")],
          [custom, { case: "toolText", value: "free" }],
        ],
        FinishReason.TOOL_CALLS,
      ),
    );
    expect(chunks.slice(1).map(({ choices: [choice] }) => choice?.delta)).toEqual([
      { tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "f", arguments: "" } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] },
      { tool_calls: [{ index: 0, function: { arguments: ":1}" } }] },
      { tool_calls: [{ index: 1, id: "c2", custom: { name: "g", input: "" } }] },
      { tool_calls: [{ index: 1, custom: { input: "free" } }] },
      {},
    ]);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("tool_calls");
  });

  test("writes calls in the deprecated shape where the request used functions", () => {
    const chunks = chunksOf(streamed([[toolCallPart("c1", "f", ""), json("{}")]], FinishReason.TOOL_CALLS), {
      legacyFunctions: true,
    });
    expect(chunks.slice(1).map(({ choices: [choice] }) => [choice?.delta, choice?.finish_reason])).toEqual([
      [{ function_call: { name: "f", arguments: "" } }, null],
      [{ function_call: { arguments: "{}" } }, null],
      [{}, "function_call"],
    ]);
  });

  test("interleaves several answers and gives parley to the last one's end", () => {
    const events = [startedEvent("req_1")];
    const writer = new BlockWriter();
    const [a, b] = [writer.open(events, 0, textPart("")), writer.open(events, 1, textPart(""))];
    writer.append(events, 0, a, text("A"));
    writer.append(events, 1, b, text("B"));
    writer.close(events, 0, a);
    events.push(candidateFinished(0, FinishReason.STOP, "stop"));
    writer.append(events, 1, b, text("B"));
    writer.close(events, 1, b);
    events.push(candidateFinished(1, FinishReason.MAX_TOKENS, "length"), completedEvent());
    const chunks = chunksOf(events);
    expect(
      chunks.map(({ choices: [choice] }) => [
        choice?.index,
        choice?.delta["role"] ?? choice?.delta["content"] ?? choice?.finish_reason,
      ]),
    ).toEqual([
      [0, "assistant"],
      [1, "assistant"],
      [0, "A"],
      [1, "B"],
      [0, "stop"],
      [1, "B"],
      [1, "length"],
    ]);
    expect(chunks.filter((chunk) => "parley" in chunk)).toEqual([chunks.at(-1)]);
  });

  test("writes log probabilities with the text they belong to", () => {
    const events = [startedEvent("req_1")];
    const writer = new BlockWriter();
    const block = writer.open(events, 0, textPart(""));
    const token = { $typeName: "parley.v1.TokenLogprob", token: "x", logprob: -1, top: [] } as const;
    writer.append(events, 0, block, text("x"), [{ ...token, top: [] }]);
    writer.append(events, 0, block, { case: "logprobsOnly", value: { $typeName: "parley.v1.LogprobsOnly" } }, [
      { ...token, top: [] },
    ]);
    writer.close(events, 0, block);
    const refusal = writer.open(events, 0, refusalPart(""));
    writer.append(events, 0, refusal, { case: "refusal", value: "n" }, [{ ...token, top: [] }]);
    writer.close(events, 0, refusal);
    events.push(candidateFinished(0, FinishReason.STOP, "stop"), completedEvent());
    const entry = { token: "x", logprob: -1, bytes: null, top_logprobs: [] };
    expect(
      chunksOf(events)
        .slice(1, -1)
        .map(({ choices: [choice] }) => [choice?.delta, choice?.logprobs]),
    ).toEqual([
      [{ content: "x" }, { content: [entry], refusal: null }],
      [{}, { content: [entry], refusal: null }],
      [{ refusal: "n" }, { content: null, refusal: [entry] }],
    ]);
  });

  test("writes sound as it comes", () => {
    const sound = create(PartSchema, {
      kind: { case: "media", value: { modality: Modality.AUDIO, generatedId: "audio_1" } },
    });
    const events = streamed([
      [sound, { case: "transcript", value: "hi" }, { case: "media", value: new Uint8Array([0, 1, 2]) }],
    ]);
    for (const { event } of events) {
      if (event.case !== "blockFinished" || event.value.part?.kind.case !== "media") continue;
      event.value.part.kind.value.expiresAt = { $typeName: "google.protobuf.Timestamp", seconds: 9n, nanos: 0 };
    }
    expect(
      chunksOf(events)
        .slice(1, -1)
        .map(({ choices: [choice] }) => choice?.delta["audio"]),
    ).toEqual([{ id: "audio_1" }, { transcript: "hi" }, { data: "AAEC" }, { expires_at: 9 }]);
  });

  test("streams what adds up to the whole answer's message", () => {
    const image = create(PartSchema, {
      kind: {
        case: "media",
        value: { modality: Modality.IMAGE, source: { case: "url", value: "https://e.example/a" } },
      },
    });
    const state: BlockDelta["delta"] = {
      case: "state",
      value: { $typeName: "parley.v1.OpaqueState", format: "x.signature", payload: { case: "text", value: "sig" } },
    };
    const citation: BlockDelta["delta"] = {
      case: "citation",
      value: { $typeName: "parley.v1.Citation", url: "https://e.example", offsetUnit: 3, sourceIds: [], state: [] },
    };
    const events = streamed([
      [reasoningPart(""), { case: "reasoningText", value: "h" }, { case: "reasoningText", value: "m" }, state],
      [reasoningPart("again")],
      [textPart("Hel"), text("lo"), citation],
      [refusalPart(""), { case: "refusal", value: "no" }],
      [textPart(" world")],
      [toolCallPart("c1", "f", ""), json("{}")],
      [image],
    ]);
    const whole = encodeResponse(fold(events), { legacyFunctions: false, nowSeconds: 1 }) as {
      choices: { message: Json }[];
    };
    const { role: _role, ...message } = whole.choices[0]!.message;
    const { images, ...streamedMessage } = accumulate(chunksOf(events));
    expect({ ...streamedMessage, images: (images as Json[]).map(({ index: _index, ...one }) => one) }).toEqual(message);
  });

  test("keeps alive with a comment, also before the answer starts", () => {
    const encoder = encoderFor();
    expect(encoder.encode([keptAlive()])).toBe(": keep-alive\n\n");
    expect(encoder.encode([startedEvent("req_1")])).toContain('"role":"assistant"');
  });

  test("ends with the error and no [DONE] after a failure, and shows no finish reason it was holding", () => {
    const events = streamed([[textPart(""), text("x")]]).slice(0, -1);
    const error = ownError(new ParleyError("STREAM_INTERRUPTED", "Cannot complete the answer"), {
      requestId: "req_1",
      errorId: "err_9",
    });
    events.push(create(StreamEventSchema, { event: { case: "failed", value: { error } } }));
    const encoder = encoderFor();
    const written = encoder.encode(events);
    expect(written).not.toContain("[DONE]");
    expect(written).not.toContain('"finish_reason":"stop"');
    expect(JSON.parse(sseData(written).at(-1) ?? "")).toMatchObject({
      error: {
        type: "server_error",
        code: "stream_interrupted",
        parley: { reason: "stream_interrupted", error_id: "err_9" },
      },
    });
    expect(encoder.ended).toBe(true);
    expect(encoder.encode([completedEvent()])).toBe("");
  });

  test.each([FinishReason.MALFORMED_TOOL_CALL, FinishReason.PROVIDER_ERROR])(
    "ends with an error where the answer ended with %s, which is no answer",
    (finish) => {
      const written = encoderFor().encode(streamed([[textPart(""), text("x")]], finish));
      expect(written).not.toContain("[DONE]");
      expect(sseData(written).at(-1)).toContain('{"error":');
    },
  );
});
