import { describe, expect, test } from "vitest";
import { Executor, UsageSource, type StreamEvent } from "../../contract/index.ts";
import { anthropicMessages } from "./index.ts";
import { begin, block, ending, text } from "./stream.fixture.ts";
import { countingIds, foldStream, reasonThrown, streamEvents, targetWith } from "./target.fixture.ts";

function shown(event: StreamEvent): string {
  const { case: kind, value } = event.event;
  if (kind === "blockDelta") return `${value.delta.case} ${value.block}`;
  if (kind === "blockStarted" || kind === "blockFinished")
    return `${kind} ${value.block} ${value.part?.kind.case ?? ""}`;
  return kind ?? "";
}

const call = (index: number, ...pieces: readonly string[]): unknown[] =>
  block(
    index,
    { type: "tool_use", id: `c${index}`, name: "f", input: {} },
    ...pieces.map((piece) => ({ type: "input_json_delta", partial_json: piece })),
  );

describe("streamDecoder writes the events of", () => {
  test("streamDecoder writes reasoning, text and a call as blocks, each closed where the provider closes it", () => {
    const thinking = block(
      0,
      { type: "thinking", thinking: "", signature: "" },
      { type: "thinking_delta", thinking: "hm" },
      { type: "signature_delta", signature: "c2ln" },
    );
    const stream = [
      begin,
      { type: "ping" },
      ...thinking,
      ...text(1, "a", "b"),
      ...call(2, "", '{"x":', "1}"),
      ...ending("tool_use"),
    ];
    expect(streamEvents(stream).map(shown)).toEqual([
      "started",
      "usageUpdated",
      "blockStarted 0 reasoning",
      "reasoningText 0",
      "state 0",
      "blockFinished 0 reasoning",
      "blockStarted 1 text",
      "text 1",
      "text 1",
      "blockFinished 1 text",
      "blockStarted 2 toolCall",
      "argumentsJson 2",
      "argumentsJson 2",
      "blockFinished 2 toolCall",
      "usageUpdated",
      "candidateFinished",
      "completed",
    ]);
  });

  test("streamDecoder closes what the provider left open, and takes interleaved blocks", () => {
    const stream = [
      begin,
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "a" } },
      { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "b" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "c" } },
      ...ending("end_turn"),
    ];
    const parts = foldStream(stream).candidates[0]?.message?.parts.map(({ kind }) => kind.value);
    expect(parts).toMatchObject([{ text: "ac" }, { text: "b" }]);
  });

  test("streamDecoder closes a block that the provider begins anew without ending it", () => {
    const start = (words: string): object => ({
      type: "content_block_start",
      index: 0,
      content_block: { type: "text", text: words },
    });
    const { candidates } = foldStream([begin, start("a"), start("b"), ...ending("end_turn")]);
    expect(candidates[0]?.message?.parts.map(({ kind }) => kind.value)).toMatchObject([{ text: "a" }, { text: "b" }]);
  });

  test("streamDecoder keeps the container that code ran in as state of the answer", () => {
    const { candidates } = foldStream([begin, ...text(0, "a"), ...ending("end_turn", { container: { id: "c1" } })]);
    const [, last] = candidates[0]?.message?.parts ?? [];
    expect(last?.kind.case).toBeUndefined();
    expect(last?.state).toMatchObject([{ format: "anthropic-messages.container", payload: { value: "c1" } }]);
  });

  test("streamDecoder says partial of figures before the finish and reported of those after it", () => {
    const sources = streamEvents([begin, ...text(0, "a"), ...ending("end_turn")]).flatMap(({ event }) =>
      event.case === "usageUpdated" || event.case === "completed" ? [event.value.usage?.source] : [],
    );
    expect(sources).toEqual([UsageSource.PARTIAL, UsageSource.REPORTED, UsageSource.REPORTED]);
  });

  test("streamDecoder tells who serves, what it is called there, and what it cost", () => {
    const { origin, upstreamId, serviceTier, usage } = foldStream([begin, ...text(0, "a"), ...ending("end_turn")]);
    expect([origin?.servedModel, upstreamId, serviceTier]).toEqual(["m1-2026", "msg_1", "standard"]);
    expect([usage?.inputTokens, usage?.outputTokens]).toEqual([10, 7]);
  });
});

describe("streamDecoder reads blocks", () => {
  const part = (...deltas: readonly unknown[]) =>
    foldStream([begin, ...deltas, ...ending("end_turn")]).candidates[0]?.message?.parts[0];

  test("streamDecoder keeps reasoning that is nothing but a signature", () => {
    const signature = { type: "signature_delta", signature: "c2ln" };
    const made = part(...block(0, { type: "thinking", thinking: "", signature: "" }, signature));
    expect(made?.kind).toMatchObject({ case: "reasoning", value: { text: [], visibility: 3 } });
    expect(made?.state).toMatchObject([
      {
        format: "anthropic-messages.signature",
        payload: { value: "c2ln" },
        origin: { provider: "house", dialect: "anthropic-messages", model: "m1" },
      },
    ]);
  });

  test("streamDecoder keeps withheld reasoning", () => {
    const made = part(...block(0, { type: "redacted_thinking", data: "ZGF0YQ==" }));
    expect(made?.kind).toMatchObject({ case: "reasoning", value: { visibility: 4 } });
    expect(made?.state).toMatchObject([
      { format: "anthropic-messages.redacted_thinking", payload: { value: "ZGF0YQ==" } },
    ]);
  });

  test.each([
    [["", '{"a":', "9007199254740993}"], '{"a":9007199254740993}', false],
    [[], "{}", false],
    [['{"a":'], '{"a":', true],
  ])("streamDecoder keeps the arguments %j as %s, invalid: %s", (pieces, expected, isInvalid) => {
    const made = part(...call(0, ...pieces));
    expect(made?.kind.value).toMatchObject({ input: { value: expected }, argumentsInvalid: isInvalid });
  });

  test("streamDecoder takes arguments that come with the beginning of a call", () => {
    const start = { type: "tool_use", id: "c", name: "f", input: { b: 1, a: 2 } };
    expect(part(...block(0, start))?.kind.value).toMatchObject({ input: { value: '{"b":1,"a":2}' } });
  });

  test("streamDecoder makes an id for a call without one", () => {
    expect(part(...block(0, { type: "tool_use", name: "f", input: {} }))?.kind.value).toMatchObject({
      callId: "call_1",
    });
  });

  test("streamDecoder keeps who called a tool, and no state for what the model called itself", () => {
    const start = { type: "tool_use", id: "c", name: "f", input: {}, toolset_name: "browser" };
    const byCode = { ...start, caller: { type: "code_execution_20260120", tool_id: "s1" } };
    const stateOf = (from: object): unknown => part(...block(0, from))?.state.map(({ payload }) => payload.value);
    expect(stateOf(byCode)).toEqual([
      '{"toolset_name":"browser","caller":{"type":"code_execution_20260120","tool_id":"s1"}}',
    ]);
    expect(stateOf({ type: "tool_use", id: "c", name: "f", input: {}, caller: { type: "direct" } })).toEqual([]);
  });

  test("streamDecoder shows calls of the provider's tools as the provider's, with their results", () => {
    const use = { type: "server_tool_use", id: "s1", name: "web_search", input: {} };
    const found = [{ type: "web_search_result", url: "https://a.example", title: "A", encrypted_content: "eA==" }];
    const result = { type: "web_search_tool_result", tool_use_id: "s1", content: found };
    const pieces = { type: "input_json_delta", partial_json: '{"query":"q"}' };
    const stream = [begin, ...block(0, use, pieces), ...block(1, result), ...ending("end_turn")];
    const { candidates } = foldStream(stream);
    expect(candidates[0]?.finish?.reason).toBe(1);
    expect(candidates[0]?.message?.parts.map(({ kind }) => kind.value)).toMatchObject([
      { callId: "s1", name: "web_search", executor: Executor.PROVIDER, nativeType: "server_tool_use" },
      {
        callId: "s1",
        name: "web_search",
        executor: Executor.PROVIDER,
        nativeType: "web_search_tool_result",
        nativeJson: JSON.stringify(result),
        content: [{ kind: { value: { source: "https://a.example", title: "A" } } }],
      },
    ]);
  });

  test.each([
    [
      { type: "mcp_tool_result", tool_use_id: "s", is_error: false, content: [{ type: "text", text: "t" }] },
      false,
      ["t"],
    ],
    [
      { type: "bash_code_execution_tool_result", tool_use_id: "s", content: { stdout: "o", stderr: "e" } },
      undefined,
      ["o", "e"],
    ],
    [
      {
        type: "web_fetch_tool_result",
        tool_use_id: "s",
        content: { type: "web_fetch_tool_result_error", error_code: "u" },
      },
      true,
      ["u"],
    ],
    [
      { type: "advisor_tool_result", tool_use_id: "s", content: { type: "advisor_result", text: "x" } },
      undefined,
      ["x"],
    ],
  ])("streamDecoder reads the result %j", (start, isError, texts) => {
    const made = part(...block(0, start))?.kind;
    if (made?.case !== "toolResult") throw new Error("no result");
    expect(made.value.isError).toBe(isError);
    expect(made.value.content.map(({ kind }) => (kind.case === "text" ? kind.value.text : ""))).toEqual(texts);
  });

  test("streamDecoder keeps blocks that nobody knows, with all that follows", () => {
    const unknown: string[] = [];
    const start = { type: "compaction", content: null, encrypted_content: null };
    const deltas = [
      { type: "compaction_delta", content: "a", encrypted_content: null },
      { type: "compaction_delta", content: "b", encrypted_content: "eA==" },
    ];
    const stream = [
      begin,
      ...block(0, start, ...deltas),
      ...block(1, { type: "hologram", size: 12 }),
      ...ending("compaction"),
    ];
    const { candidates } = foldStream(stream, targetWith(), countingIds(unknown));
    expect(candidates[0]?.message?.parts.map(({ kind }) => kind.value)).toMatchObject([
      { nativeType: "compaction", json: '{"type":"compaction","content":"ab","encrypted_content":"eA=="}' },
      { nativeType: "hologram", json: '{"type":"hologram","size":12}' },
    ]);
    expect(candidates[0]?.finish).toMatchObject({ reason: 6, native: "compaction" });
    expect(unknown).toEqual(["content[].type=hologram"]);
  });

  test("streamDecoder writes nothing for text that stays empty", () => {
    expect(
      foldStream([begin, ...text(0, ""), ...text(1, "a"), ...ending("end_turn")]).candidates[0]?.message?.parts,
    ).toHaveLength(1);
  });

  test("streamDecoder puts a character together that two deltas share", () => {
    expect(part(...text(0, "\ud83d", "\ude00"))?.kind.value).toMatchObject({ text: "\u{1f600}" });
    expect(part(...text(0, "a\ud83d"))?.kind.value).toMatchObject({ text: "a\ufffd" });
  });
});

describe("streamDecoder counts what it does not know", () => {
  test("streamDecoder counts unknown events, members, deltas and words, and goes on", () => {
    const unknown: string[] = [];
    const start = {
      ...begin,
      message: { ...begin.message, mood: "good", usage: { ...begin.message.usage, joules: 1 } },
    };
    const stream = [
      start,
      { type: "weather" },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "a", font: "x" } },
      { type: "content_block_delta", index: 0, delta: { type: "colour_delta", colour: "red" } },
      { type: "content_block_delta", index: 0, delta: { type: "colour_delta", colour: "blue" } },
      ...ending("bored", { stop_details: { type: "x", depth: 1 } }),
    ];
    const { finish } = foldStream(stream, targetWith(), countingIds(unknown)).candidates[0] ?? {};
    expect(finish).toMatchObject({ reason: 14, native: "bored" });
    expect(unknown).toEqual([
      "message.mood",
      "usage.joules",
      "event=weather",
      "content[].font",
      "delta.type=colour_delta",
      "message.stop_details.depth",
      "stop_reason=bored",
    ]);
  });

  test("streamDecoder tells a refusal's category and sentence, without secrets", () => {
    const details = { type: "refusal", category: "cyber", explanation: "No, with key sk-abcdefghijklmnop" };
    const { candidates } = foldStream([begin, ...ending("refusal", { stop_details: details })]);
    expect(candidates[0]?.finish).toMatchObject({ reason: 7, category: "cyber", message: "No, with key [redacted]" });
  });

  test("streamDecoder tells the stop sequence that was met", () => {
    const { candidates } = foldStream([begin, ...text(0, "a"), ...ending("stop_sequence", { stop_sequence: "END" })]);
    expect(candidates[0]?.finish).toMatchObject({ reason: 2, stopSequence: "END" });
  });
});

describe("streamDecoder ends", () => {
  const whole = [begin, ...text(0, "a"), ...ending("end_turn")];
  const stories: readonly (readonly [story: string, events: readonly unknown[], reason: string])[] = [
    ["completes without its last event, once the finish was told", whole.slice(0, -1), "nothing thrown"],
    ["is interrupted where no finish was told", whole.slice(0, -2), "STREAM_INTERRUPTED"],
    [
      "is interrupted by message_stop without a finish",
      [begin, ...text(0, "a"), { type: "message_stop" }],
      "STREAM_INTERRUPTED",
    ],
    ["is interrupted by a terminator of another format", [begin, ...text(0, "a"), "[DONE]"], "STREAM_INTERRUPTED"],
    ["is interrupted before anything", [], "STREAM_INTERRUPTED"],
    ["is interrupted after nothing but a ping", [{ type: "ping" }], "STREAM_INTERRUPTED"],
    ["ignores what follows the end", [...whole, "[DONE]", "garbage", begin], "nothing thrown"],
    ["takes blank frames", ["", " ", ...whole], "nothing thrown"],
    ["refuses text", [begin, "oops"], "PROVIDER_BAD_OUTPUT"],
    ["refuses half an event", [begin, '{"type":"content_block_delta","ind'], "PROVIDER_BAD_OUTPUT"],
    ["refuses a list", [begin, "[1]"], "PROVIDER_BAD_OUTPUT"],
    ["refuses a second message", [begin, begin], "PROVIDER_BAD_OUTPUT"],
    [
      "refuses a delta without a block",
      [begin, { type: "content_block_delta", index: 3, delta: { type: "text_delta", text: "a" } }],
      "PROVIDER_BAD_OUTPUT",
    ],
    [
      "refuses a delta without a place",
      [begin, { type: "content_block_delta", delta: { type: "text_delta", text: "a" } }],
      "PROVIDER_BAD_OUTPUT",
    ],
    [
      "refuses text within a call",
      [begin, ...block(0, { type: "tool_use", id: "c", name: "f" }, { type: "text_delta", text: "a" })],
      "PROVIDER_BAD_OUTPUT",
    ],
    ["refuses a call without a name", [begin, ...block(0, { type: "tool_use", id: "c" })], "PROVIDER_BAD_OUTPUT"],
    ["refuses a start without a block", [begin, { type: "content_block_start", index: 0 }], "PROVIDER_BAD_OUTPUT"],
    ["refuses a beginning without a message", [{ type: "message_start" }], "PROVIDER_BAD_OUTPUT"],
    [
      "fails with the provider's error",
      [begin, { type: "error", error: { type: "overloaded_error", message: "x" } }],
      "PROVIDER_OVERLOADED",
    ],
    ["fails with an error of no type", [begin, { error: { message: "x" } }], "PROVIDER_ERROR"],
    ["fails where the provider says so in the finish", [begin, ...text(0, "a"), ...ending("error")], "PROVIDER_ERROR"],
  ];

  test.for(stories)("streamDecoder %s", ([, events, expected]) => {
    expect(reasonThrown(() => streamEvents(events))).toBe(expected);
  });

  test("streamDecoder keeps what came before an error in the events", () => {
    const out: StreamEvent[] = [];
    const decoder = anthropicMessages.streamDecoder(targetWith(), countingIds());
    for (const event of [begin, ...text(0, "a")]) decoder.push(JSON.stringify(event), out);
    expect(reasonThrown(() => decoder.push('{"type":"error","error":{"type":"api_error"}}', out, "error"))).toBe(
      "PROVIDER_ERROR",
    );
    expect(out.map(shown)).toContain("blockFinished 0 text");
  });

  test("streamDecoder takes an event named error as one, whatever it holds", () => {
    const decoder = anthropicMessages.streamDecoder(targetWith(), countingIds());
    expect(reasonThrown(() => decoder.push("<html>", [], "error"))).toBe("PROVIDER_ERROR");
  });

  test("streamDecoder is terminated by message_stop", () => {
    const decoder = anthropicMessages.streamDecoder(targetWith(), countingIds());
    const out: StreamEvent[] = [];
    for (const event of whole) {
      expect(decoder.terminated).toBe(false);
      decoder.push(JSON.stringify(event), out);
    }
    expect(decoder.terminated).toBe(true);
  });
});
