import { describe, expect, test } from "vitest";
import { FinishReason, type Part } from "../../contract/index.ts";
import { chunk, foldChunks, reasonThrown } from "./target.fixture.ts";

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
