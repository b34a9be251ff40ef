import { describe, expect, test } from "vitest";
import { OffsetUnit } from "../../contract/index.ts";
import { anthropicMessages } from "./index.ts";
import { bodyWith } from "./stream.fixture.ts";
import { countingIds, foldBody, reasonThrown, targetWith } from "./target.fixture.ts";

const partsOf = (body: unknown) => foldBody(body).candidates[0]?.message?.parts ?? [];

describe("decodeResponse", () => {
  test("decodeResponse writes whole blocks and no deltas", () => {
    const body = JSON.stringify(
      bodyWith(
        [
          { type: "text", text: "a" },
          { type: "tool_use", id: "c", name: "f", input: {} },
        ],
        "tool_use",
      ),
    );
    const events = anthropicMessages.decodeResponse(body, targetWith(), countingIds());
    expect(events.map(({ event }) => event.case)).toEqual([
      "started",
      "blockStarted",
      "blockFinished",
      "blockStarted",
      "blockFinished",
      "candidateFinished",
      "completed",
    ]);
  });

  test("decodeResponse keeps arguments, results and unknown blocks as they were written", () => {
    const body = `{"type":"message","id":"m","stop_reason":"tool_use","usage":{},"content":[
      {"type":"tool_use","id":"c","name":"f","input": {"z": 9007199254740993, "10": 1, "2": "}]"} },
      {"type":"web_fetch_tool_result","tool_use_id":"s","content": {"n": 1e2}},
      {"type":"hologram","n":1.0}]}`;
    expect(partsOf(body).map(({ kind }) => kind.value)).toMatchObject([
      { input: { value: '{"z": 9007199254740993, "10": 1, "2": "}]"}' } },
      { nativeJson: '{"type":"web_fetch_tool_result","tool_use_id":"s","content": {"n": 1e2}}' },
      { json: '{"type":"hologram","n":1.0}' },
    ]);
  });

  test("decodeResponse takes arguments that came as a text, and none", () => {
    const call = { type: "tool_use", id: "c", name: "f" };
    const inputs = partsOf(bodyWith([{ ...call, input: '{"a":1}' }, call, { ...call, input: null }], "tool_use"));
    expect(inputs.map(({ kind }) => (kind.case === "toolCall" ? kind.value.input.value : "?"))).toEqual([
      '{"a":1}',
      undefined,
      undefined,
    ]);
  });

  test("decodeResponse reads citations of every kind, with what their offsets count", () => {
    const citations = [
      {
        type: "char_location",
        cited_text: "x",
        document_index: 0,
        document_title: "T",
        start_char_index: 0,
        end_char_index: 9,
        file_id: "f1",
      },
      {
        type: "page_location",
        cited_text: "x",
        document_index: 1,
        document_title: null,
        start_page_number: 2,
        end_page_number: 3,
      },
      { type: "content_block_location", cited_text: "x", document_index: 2, start_block_index: 4, end_block_index: 5 },
      {
        type: "search_result_location",
        cited_text: "x",
        search_result_index: 6,
        source: "https://s",
        title: "S",
        start_block_index: 0,
        end_block_index: 1,
      },
      { type: "web_search_result_location", cited_text: "x", url: "https://w", title: "W", encrypted_index: "ZW5j" },
      { type: "moon_location", crater: 1 },
    ];
    const unknown: string[] = [];
    const { candidates } = foldBody(
      bodyWith([{ type: "text", text: "a", citations }]),
      targetWith(),
      countingIds(unknown),
    );
    const kind = candidates[0]?.message?.parts[0]?.kind;
    if (kind?.case !== "text") throw new Error("no text");
    expect(kind.value.citations).toMatchObject([
      {
        title: "T",
        documentIndex: 0,
        sourceStart: 0,
        sourceEnd: 9,
        sourceUnit: "char",
        offsetUnit: OffsetUnit.CODE_POINTS,
        file: { provider: "house", id: "f1" },
      },
      { documentIndex: 1, sourceStart: 2, sourceEnd: 3, sourceUnit: "page" },
      { documentIndex: 2, sourceStart: 4, sourceEnd: 5, sourceUnit: "block" },
      { url: "https://s", title: "S", sourceStart: 0, sourceEnd: 1, sourceUnit: "block", sourceIds: ["6"] },
      {
        url: "https://w",
        title: "W",
        state: [{ format: "anthropic-messages.encrypted_index", payload: { value: "ZW5j" } }],
      },
      {},
    ]);
    expect(kind.value.citations.map(({ nativeJson }) => nativeJson)).toEqual(
      citations.map((one) => JSON.stringify(one)),
    );
    expect(unknown).toEqual(["content[].citations[].type=moon_location"]);
  });

  test.each([
    ["", "PROVIDER_BAD_OUTPUT"],
    ["<html>", "PROVIDER_BAD_OUTPUT"],
    ["[]", "PROVIDER_BAD_OUTPUT"],
    ['{"type":"message"}', "PROVIDER_BAD_OUTPUT"],
    ['{"type":"message","content":[null],"stop_reason":"end_turn"}', "PROVIDER_BAD_OUTPUT"],
    ['{"type":"message","content":[],"stop_reason":null}', "PROVIDER_BAD_OUTPUT"],
    ['{"type":"message","content":[],"stop_reason":"error"}', "PROVIDER_ERROR"],
    ['{"type":"error","error":{"type":"rate_limit_error","message":"x"}}', "PROVIDER_RATE_LIMITED"],
    [
      '\ufeff{"type":"message","content":[{"type":"tool_use","id":"c","name":"f","input":{}}],"stop_reason":"tool_use"}',
      "nothing thrown",
    ],
    ['{"type":"message","content":[],"stop_reason":"max_tokens"}', "nothing thrown"],
  ])("decodeResponse answers %s with: %s", (body, expected) => {
    expect(reasonThrown(() => foldBody(body))).toBe(expected);
  });
});
