import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  EventGrammar,
  FinishReason,
  StreamEventSchema,
  fold,
  type Part,
  type StreamEvent,
} from "../../contract/index.ts";
import { ParleyError, reasonName } from "../../errors/index.ts";
import { openaiChat } from "./index.ts";
import { chunk, countingIds, foldBody, foldChunks, streamEvents, targetWith } from "./target.fixture.ts";

function reasonThrown(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof ParleyError ? reasonName(error.reason) : `not typed: ${String(error)}`;
  }
  return "nothing thrown";
}

function calls(parts: readonly Part[] | undefined): unknown[] {
  return (parts ?? []).flatMap(({ kind }) =>
    kind.case === "toolCall" ? [[kind.value.callId, kind.value.name, kind.value.input.value]] : [],
  );
}

function call(
  index: number | undefined,
  id: string | undefined,
  name: string | undefined,
  args: string | undefined,
): unknown {
  return chunk({ tool_calls: [{ index, id, type: "function", function: { name, arguments: args } }] });
}

const stop = chunk({}, "stop");
const callsDone = chunk({}, "tool_calls");

describe("streamDecoder reads text", () => {
  test("streamDecoder yields started, block, deltas, usage and the finish in order", () => {
    const usage = { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 };
    const events = streamEvents([
      chunk({ role: "assistant", content: "" }),
      chunk({ content: "Hel" }),
      chunk({ content: "lo" }),
      stop,
      { id: "chatcmpl-1", choices: [], usage, service_tier: "flex" },
      "[DONE]",
    ]);
    expect(events.map(({ event }) => event.case)).toEqual([
      "started",
      "blockStarted",
      "blockDelta",
      "blockDelta",
      "usageUpdated",
      "blockFinished",
      "candidateFinished",
      "completed",
    ]);
    const response = fold(events);
    expect(response.upstreamId).toBe("chatcmpl-1");
    expect(response.origin).toMatchObject({
      provider: "house",
      dialect: "openai-chat",
      model: "m1",
      servedModel: "m1-2026",
    });
    expect(response.serviceTier).toBe("flex");
    expect(response.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: "Hello" });
  });

  test("streamDecoder holds a character back that is split over two deltas", () => {
    const events = streamEvents([chunk({ content: "a\ud83d" }), chunk({ content: "\ude00b" }), stop]);
    const deltas = events.flatMap(({ event }) => (event.case === "blockDelta" ? [event.value.delta.value] : []));
    expect(deltas).toEqual(["a", "😀b"]);
  });

  test("streamDecoder ends a character that never became whole as U+FFFD", () => {
    const response = foldChunks([chunk({ content: "a\ud83d" }), stop]);
    expect(response.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: "a\ufffd" });
  });

  test("streamDecoder keeps candidates apart when they interleave and leave a number out", () => {
    const response = foldChunks([
      chunk({ content: "a" }, null, 2),
      chunk({ content: "b" }, null, 0),
      chunk({ content: "c" }, "length", 2),
      chunk({ content: "d" }, "stop", 0),
    ]);
    const seen = response.candidates.map(({ index, message, finish }) => [
      index,
      (message?.parts[0]?.kind.value as { text: string }).text,
      finish?.reason,
    ]);
    expect(seen).toEqual([
      [0, "bd", FinishReason.STOP],
      [2, "ac", FinishReason.MAX_TOKENS],
    ]);
  });

  test("streamDecoder passes over blank data, a first chunk of filter results, and whatever follows the terminator", () => {
    const response = foldChunks([
      "  ",
      "\n",
      { choices: [], created: 0, id: "", model: "", prompt_filter_results: [{ prompt_index: 0 }] },
      chunk({ content: "x" }),
      stop,
      " [DONE] ",
      "not json",
      chunk({ content: "y" }),
    ]);
    expect(response.upstreamId).toBe("chatcmpl-1");
    expect(response.candidates[0]?.message?.parts).toHaveLength(1);
    expect(response.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: "x" });
  });

  test("streamDecoder ignores whole messages beside deltas, and takes one that comes alone", () => {
    const beside = foldChunks([
      { choices: [{ index: 0, delta: { content: "a" }, message: { content: "a" } }] },
      { choices: [{ index: 0, delta: {}, message: { content: "a" }, finish_reason: "stop" }] },
    ]);
    expect(beside.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: "a" });
    const alone = foldChunks([{ choices: [{ index: 0, message: { content: "a" }, finish_reason: "stop" }] }]);
    expect(alone.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: "a" });
  });

  test("streamDecoder reads refusals, citations and log probabilities", () => {
    const entry = { token: "Hi", logprob: -0.5, bytes: [72, 105], top_logprobs: [{ token: "Ho", logprob: -2 }] };
    const response = foldChunks([
      { choices: [{ index: 0, delta: { content: "Hi" }, logprobs: { content: [entry], refusal: null } }] },
      chunk({
        annotations: [
          { type: "url_citation", url_citation: { url: "https://a", title: "A", start_index: 0, end_index: 2 } },
        ],
      }),
      chunk({ refusal: "No." }),
      stop,
    ]);
    const [text, refusal] = response.candidates[0]?.message?.parts ?? [];
    expect(text?.kind.value).toMatchObject({
      text: "Hi",
      citations: [{ url: "https://a", title: "A", outputStart: 0, outputEnd: 2, offsetUnit: 3 }],
      logprobs: [{ token: "Hi", logprob: -0.5, bytes: new Uint8Array([72, 105]), top: [{ token: "Ho", logprob: -2 }] }],
    });
    expect(refusal?.kind).toMatchObject({ case: "refusal", value: { text: "No." } });
  });

  test("streamDecoder joins audio whose base64 is cut anywhere", () => {
    const bytes = new Uint8Array(100).map((_, index) => index * 7);
    const base64 = Buffer.from(bytes).toString("base64");
    const pieces = base64.match(/.{1,5}/g) ?? [];
    const response = foldChunks([
      chunk({ audio: { id: "audio_1" } }),
      ...pieces.map((data) => chunk({ audio: { data, transcript: "la" } })),
      chunk({ audio: { expires_at: 1_800_000_000 } }),
      stop,
    ]);
    const media = response.candidates[0]?.message?.parts[0]?.kind.value;
    expect(media).toMatchObject({
      generatedId: "audio_1",
      source: { case: "inline", value: bytes },
      transcript: "la".repeat(pieces.length),
      expiresAt: { seconds: 1_800_000_000n },
    });
  });
});

describe("streamDecoder reads tool calls", () => {
  const table: readonly (readonly [story: string, chunks: readonly unknown[], expected: readonly unknown[]])[] = [
    [
      "interleaved indexes",
      [
        call(0, "a", "f", ""),
        call(1, "b", "g", ""),
        call(0, undefined, undefined, '{"x"'),
        call(1, undefined, undefined, "{}"),
        call(0, undefined, undefined, ":1}"),
      ],
      [
        ["a", "f", '{"x":1}'],
        ["b", "g", "{}"],
      ],
    ],
    [
      "gaps between indexes",
      [call(5, "a", "f", "{}"), call(9, "b", "g", "{}")],
      [
        ["a", "f", "{}"],
        ["b", "g", "{}"],
      ],
    ],
    [
      "a whole call in one chunk without index",
      [call(undefined, "a", "f", "{}"), call(undefined, "b", "g", "{}")],
      [
        ["a", "f", "{}"],
        ["b", "g", "{}"],
      ],
    ],
    [
      "fragments without index and id",
      [call(undefined, "a", "f", '{"x"'), call(undefined, undefined, undefined, ":1}")],
      [["a", "f", '{"x":1}']],
    ],
    [
      "missing ids",
      [call(0, undefined, "f", "{}"), call(1, undefined, "g", "{}")],
      [
        ["call_1", "f", "{}"],
        ["call_2", "g", "{}"],
      ],
    ],
    [
      "the same index for calls of different ids",
      [call(0, "a", "f", "{}"), call(0, "b", "g", "{}")],
      [
        ["a", "f", "{}"],
        ["b", "g", "{}"],
      ],
    ],
    [
      "the same index for whole calls without ids",
      [call(0, undefined, "f", "{}"), call(0, undefined, "f", '{"y":2}')],
      [
        ["call_1", "f", "{}"],
        ["call_2", "f", '{"y":2}'],
      ],
    ],
    ["id and name repeated in each fragment", [call(0, "a", "f", "{"), call(0, "a", "f", "}")], [["a", "f", "{}"]]],
    [
      "a name after the id and some arguments",
      [call(0, "a", undefined, "{"), call(0, undefined, "f", "}")],
      [["a", "f", "{}"]],
    ],
    ["empty placeholders", [call(0, "", "", ""), call(0, "a", "f", "{}")], [["a", "f", "{}"]]],
    ["a call without arguments", [call(0, "a", "f", "")], [["a", "f", undefined]]],
    [
      "the deprecated function_call",
      [chunk({ function_call: { name: "f", arguments: "" } }), chunk({ function_call: { arguments: "{}" } })],
      [["call_1", "f", "{}"]],
    ],
    [
      "free-text tools",
      [
        chunk({ tool_calls: [{ index: 0, id: "a", type: "custom", custom: { name: "sh", input: "" } }] }),
        chunk({ tool_calls: [{ index: 0, custom: { input: "ls" } }] }),
      ],
      [["a", "sh", "ls"]],
    ],
  ];

  test.for(table)("streamDecoder reads %s", ([, chunks, expected]) => {
    const response = foldChunks([...chunks, callsDone]);
    expect(calls(response.candidates[0]?.message?.parts)).toEqual(expected);
    expect(response.candidates[0]?.finish?.reason).toBe(FinishReason.TOOL_CALLS);
  });

  test("streamDecoder derives TOOL_CALLS where calls exist but the provider says stop, and keeps its word", () => {
    const { finish } = foldChunks([call(0, "a", "f", "{}"), stop]).candidates[0] ?? {};
    expect([finish?.reason, finish?.native]).toEqual([FinishReason.TOOL_CALLS, "stop"]);
  });

  test("streamDecoder marks arguments that the output limit cut", () => {
    const response = foldChunks([call(0, "a", "f", '{"x":'), chunk({}, "length")]);
    const { kind } = response.candidates[0]?.message?.parts[0] ?? {};
    expect(kind?.value).toMatchObject({ input: { value: '{"x":' }, argumentsInvalid: true });
    expect(response.candidates[0]?.finish?.reason).toBe(FinishReason.MAX_TOKENS);
  });

  test("streamDecoder refuses a call without a name", () => {
    expect(reasonThrown(() => foldChunks([call(0, "a", undefined, "{}"), callsDone]))).toBe("PROVIDER_BAD_OUTPUT");
  });

  test("streamDecoder keeps what the provider wants back with a call", () => {
    const extra = { google: { thought_signature: "c2ln" } };
    const response = foldChunks([
      chunk({
        tool_calls: [
          { index: 0, id: "a", type: "function", function: { name: "f", arguments: "{}" }, extra_content: extra },
        ],
      }),
      callsDone,
    ]);
    expect(response.candidates[0]?.message?.parts[0]?.state).toMatchObject([
      {
        origin: { provider: "house", dialect: "openai-chat", model: "m1" },
        format: "openai-chat.extra_content",
        payload: { case: "text", value: JSON.stringify(extra) },
      },
    ]);
  });
});

describe("streamDecoder reads reasoning", () => {
  test.each(["reasoning_content", "reasoning"])("streamDecoder reads reasoning from %s", (member) => {
    const response = foldChunks([
      chunk({ [member]: "Hm" }),
      chunk({ [member]: "m", content: "" }),
      chunk({ content: "Yes" }),
      stop,
    ]);
    expect(response.candidates[0]?.message?.parts.map(({ kind }) => kind.case)).toEqual(["reasoning", "text"]);
    expect(response.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: ["Hmm"] });
  });

  test("streamDecoder puts details together, once, with their signature as state", () => {
    const detail = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
    const response = foldChunks([
      chunk({ reasoning: "Hm", reasoning_details: [{ ...detail, text: "Hm" }] }),
      chunk({ reasoning: "m", reasoning_details: [{ ...detail, text: "m" }] }),
      chunk({ reasoning_details: [{ ...detail, signature: "sig" }] }),
      chunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "xyz", index: 0 }] }),
      stop,
    ]);
    const parts = response.candidates[0]?.message?.parts ?? [];
    expect(parts.map(({ kind }) => kind.case === "reasoning" && kind.value.text)).toEqual([["Hmm"], []]);
    expect(
      parts.map(({ state }) => state.map(({ payload }) => JSON.parse(payload.value as string) as unknown)),
    ).toEqual([
      [{ ...detail, text: "Hmm", signature: "sig" }],
      [{ type: "reasoning.encrypted", data: "xyz", index: 0 }],
    ]);
  });
});

describe("streamDecoder ends honestly", () => {
  test.each([
    ["nothing at all", []],
    ["a cut without a finish reason", [chunk({ content: "x" })]],
    ["a terminator without a finish reason", [chunk({ content: "x" }), "[DONE]"]],
    [
      "one of two candidates without a finish reason",
      [chunk({ content: "x" }, "stop", 0), chunk({ content: "y" }, null, 1)],
    ],
    ["an empty finish reason", [chunk({ content: "x" }, ""), "[DONE]"]],
  ])("streamDecoder fails with STREAM_INTERRUPTED on %s", (_story, chunks) => {
    expect(reasonThrown(() => foldChunks(chunks))).toBe("STREAM_INTERRUPTED");
  });

  test("streamDecoder takes a finish reason without a terminator as complete", () => {
    expect(foldChunks([chunk({ content: "x" }), stop]).candidates[0]?.finish?.reason).toBe(FinishReason.STOP);
  });

  test("streamDecoder tells unknown finish reasons apart from a stop and keeps the word", () => {
    const unknown: string[] = [];
    const options = { ...countingIds(), onUnknown: (path: string) => unknown.push(path) };
    const { finish } = foldChunks([chunk({ content: "x" }, "tired")], targetWith(), options).candidates[0] ?? {};
    expect([finish?.reason, finish?.native]).toEqual([FinishReason.OTHER, "tired"]);
    expect(unknown).toEqual(["choices[].finish_reason=tired"]);
  });

  test("streamDecoder names the filter's categories", () => {
    const results = { hate: { filtered: true, severity: "high" }, violence: { filtered: false } };
    const { finish } =
      foldChunks([
        { choices: [{ index: 0, delta: {}, finish_reason: "content_filter", content_filter_results: results }] },
      ]).candidates[0] ?? {};
    expect([finish?.reason, finish?.category]).toEqual([FinishReason.CONTENT_FILTER, "hate"]);
  });

  test.each(["error", "network_error", "insufficient_system_resource"])(
    "streamDecoder fails with PROVIDER_ERROR on the finish reason %s, and tells the usage first",
    (word) => {
      const events: StreamEvent[] = [];
      const decoder = openaiChat.streamDecoder(targetWith(), countingIds());
      decoder.push(JSON.stringify(chunk({ content: "x" }, word)), events);
      decoder.push(
        JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }),
        events,
      );
      expect(reasonThrown(() => decoder.end(events))).toBe("PROVIDER_ERROR");
      expect(events.at(-1)?.event.case).toBe("usageUpdated");
    },
  );

  test.each([
    ["an object", { error: { message: "no", type: "server_error", code: "server_error" } }, "PROVIDER_ERROR"],
    ["a string", { error: "no" }, "PROVIDER_ERROR"],
    ["a numeric code", { error: { message: "no", code: 429 } }, "PROVIDER_RATE_LIMITED"],
    ["a status beside the message", { error: { message: "no", status_code: 503 } }, "PROVIDER_OVERLOADED"],
    [
      "an error beside the choice",
      { choices: [{ index: 0, delta: {}, error: { message: "no", code: 502 } }] },
      "PROVIDER_ERROR",
    ],
    ["an error in a vendor's member", { choices: [], x_groq: { error: "tool_use_failed" } }, "PROVIDER_ERROR"],
    ["a flat error", { object: "error", message: "no", type: "BadRequestError", code: 400 }, "INVALID_REQUEST"],
    ["a list of one", [{ error: { code: 503, status: "UNAVAILABLE", message: "no" } }], "PROVIDER_OVERLOADED"],
    ["insufficient quota", { error: { code: "insufficient_quota", message: "no" } }, "PROVIDER_BILLING"],
  ])("streamDecoder throws on an error inside the stream: %s", (_story, data, reason) => {
    expect(reasonThrown(() => streamEvents([chunk({ content: "x" }), data]))).toBe(reason);
  });

  test("streamDecoder throws on an event named error, whatever it holds", () => {
    const decoder = openaiChat.streamDecoder(targetWith(), countingIds());
    expect(reasonThrown(() => decoder.push('{"message":"no","code":500}', [], "error"))).toBe("PROVIDER_ERROR");
    expect(reasonThrown(() => decoder.push("oops", [], "error"))).toBe("PROVIDER_ERROR");
  });

  test.each([
    '{"choices":[{"index":0,"delta":{"content":"sec',
    "<html>secret</html>",
    "secret",
    "[]",
    "[1]",
    "null",
    "12",
    '{"choices":5}',
    '{"choices":[null]}',
    '{"choices":[{"index":0,"delta":{"tool_calls":7}}]}',
    '{"choices":[{"index":999,"delta":{"content":"x"}}]}',
    '{"choices":[{"index":0,"delta":{"tool_calls":[null]}}]}',
  ])("streamDecoder fails with PROVIDER_BAD_OUTPUT on %s and quotes nothing of it", (data) => {
    let message = "";
    const reason = reasonThrown(() => {
      try {
        streamEvents([chunk({ content: "x" }), data]);
      } catch (error) {
        message = (error as Error).message;
        throw error;
      }
    });
    expect(reason).toBe("PROVIDER_BAD_OUTPUT");
    expect(message).not.toContain("sec");
  });

  test("streamDecoder survives deep nesting, in members it knows and in others", () => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    const data = `{"choices":[{"index":0,"delta":{"content":"x","extra_content":{"a":${deep}},"other":${deep}}}]}`;
    expect(reasonThrown(() => foldChunks([data, stop]))).toMatch(/PROVIDER_BAD_OUTPUT|nothing thrown/);
  });

  test("streamDecoder tells of members it does not know, once each", () => {
    const unknown: string[] = [];
    const options = { ...countingIds(), onUnknown: (path: string) => unknown.push(path) };
    foldChunks(
      [{ brand: 1, ...(chunk({ content: "a", mood: 1 }) as object) }, chunk({ mood: 1 }), stop],
      targetWith(),
      options,
    );
    expect(unknown).toEqual(["brand", "choices[].delta.mood"]);
  });
});

interface Answer {
  readonly reasoning: string;
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly args: string }[];
}

const answers: fc.Arbitrary<Answer> = fc.record({
  reasoning: fc.string({ unit: "binary", maxLength: 30 }),
  text: fc.string({ unit: "binary", maxLength: 60 }),
  calls: fc.array(fc.record({ name: fc.constantFrom("f", "g"), args: fc.json({ maxDepth: 2 }) }), { maxLength: 4 }),
});

// Cuts at UTF-16 units, also within a character, as JSON escapes let upstreams do.
function cut(text: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  let at = 0;
  for (let turn = 0; at < text.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
}

function chunksOf(answer: Answer, sizes: readonly number[]): unknown[] {
  const fragments = answer.calls.map(({ name, args }, index) => [
    { index, id: `id${index}`, type: "function", function: { name, arguments: "" } },
    ...cut(args, sizes).map((piece) => ({ index, function: { arguments: piece } })),
  ]);
  const longest = Math.max(0, ...fragments.map(({ length }) => length));
  // Round robin: the calls' fragments interleave.
  const interleaved = Array.from({ length: longest }, (_, turn) =>
    fragments.flatMap((list) => list.slice(turn, turn + 1)),
  );
  return [
    chunk({ role: "assistant", content: "" }),
    ...cut(answer.reasoning, sizes).map((piece) => chunk({ reasoning_content: piece })),
    ...cut(answer.text, sizes).map((piece) => chunk({ content: piece })),
    ...interleaved.flat().map((fragment) => chunk({ tool_calls: [fragment] })),
    chunk({}, answer.calls.length > 0 ? "tool_calls" : "stop"),
    "[DONE]",
  ];
}

function bodyOf(answer: Answer): unknown {
  const toolCalls = answer.calls.map(({ name, args }, index) => ({
    id: `id${index}`,
    type: "function",
    function: { name, arguments: args },
  }));
  const message = {
    role: "assistant",
    content: answer.text,
    reasoning_content: answer.reasoning,
    ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
  };
  const finish = toolCalls.length > 0 ? "tool_calls" : "stop";
  return { id: "chatcmpl-1", model: "m1-2026", choices: [{ index: 0, message, finish_reason: finish }] };
}

const INNER_MEMBERS = (
  "id index type function name arguments custom input text url_citation url image_url data transcript expires_at " +
  "signature thinking summary extra_content output"
).split(" ");

describe("streamDecoder and decodeResponse agree", () => {
  test("streamDecoder gives the same answer for any split, and decodeResponse for the whole", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(answers, sizes, (answer, split) => {
        const whole = foldBody(bodyOf(answer));
        expect(foldChunks(chunksOf(answer, split))).toEqual(whole);
        expect(foldChunks(chunksOf(answer, [1000]))).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  test("streamDecoder answers any JSON with events in order or a typed error", () => {
    const member = fc.constantFrom(
      "content",
      "tool_calls",
      "audio",
      "annotations",
      "reasoning_details",
      "images",
      "executed_tools",
      "function_call",
      "refusal",
    );
    // Objects with the members that the codec reads, holding anything.
    const inner = fc.constantFrom(...INNER_MEMBERS);
    const leaf = fc.constantFrom<unknown>(null, true, 0, -1, 1e99, "", "x", "\ud83d", "{}", [], {}, [null], {
      text: 1,
    });
    const piece = fc.dictionary(inner, fc.oneof(leaf, fc.dictionary(inner, leaf, { maxKeys: 4 })), { maxKeys: 6 });
    const value = fc.oneof(leaf, piece, fc.array(piece, { maxLength: 3 }));
    const wild = fc.dictionary(member, value, { maxKeys: 4 });
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 4 }), (deltas) => {
        const events: StreamEvent[] = [];
        const decoder = openaiChat.streamDecoder(targetWith(), countingIds());
        const outcome = reasonThrown(() => {
          for (const delta of deltas) decoder.push(JSON.stringify(chunk(delta)), events);
          decoder.push(JSON.stringify(stop), events);
          decoder.end(events);
        });
        expect(["nothing thrown", "PROVIDER_BAD_OUTPUT"]).toContain(outcome);
        const grammar = new EventGrammar();
        expect(events.flatMap((event) => grammar.check(event) ?? [])).toEqual([]);
        // What was not of the expected type must not have slipped into a message.
        for (const event of events) expect(toBinary(StreamEventSchema, event).length).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });
});
