import { describe, expect, test } from "vitest";
import { Executor, Role } from "../../contract/index.ts";
import { bodyOf, encode, hello, say, told, type RequestInit } from "./request.fixture.ts";
import { targetWith } from "./target.fixture.ts";

type Message = NonNullable<RequestInit["messages"]>[number];
type Part = NonNullable<Message["parts"]>[number];

const own = { provider: "house", dialect: "anthropic-messages", model: "m1" };
const state = (format: string, value: string, origin: object = own): NonNullable<Part["state"]> => [
  { origin, format: `anthropic-messages.${format}`, payload: { case: "text", value } },
];
const thought = (text: string, origin: object = own): Part => ({
  kind: { case: "reasoning", value: { text: text === "" ? [] : [text] } },
  state: state("signature", "c2ln+/=", origin),
});

function asked(parts: Part[], origin: Message["origin"] | null = own): RequestInit {
  return { messages: [...hello, { role: Role.ASSISTANT, parts, ...(origin ? { origin } : {}) }, say(Role.USER, "b")] };
}
const sent = (init: RequestInit, target = targetWith()): unknown => {
  const turn = bodyOf(init, target).messages[1];
  return turn?.role === "assistant" ? turn.content : [];
};

describe("encode replays", () => {
  test("encode sends reasoning with its signature back to its maker, byte for byte, also where it is empty", () => {
    const init = asked([
      thought("hm"),
      thought(""),
      { kind: { case: "reasoning", value: {} }, state: state("redacted_thinking", "ZGF0YQ==") },
      { state: state("signature", "only") },
    ]);
    expect(sent(init)).toEqual([
      { type: "thinking", thinking: "hm", signature: "c2ln+/=" },
      { type: "thinking", thinking: "", signature: "c2ln+/=" },
      { type: "redacted_thinking", data: "ZGF0YQ==" },
      { type: "thinking", thinking: "", signature: "only" },
    ]);
    expect(told(init)).toEqual([]);
  });

  test.each([
    ["another provider", { ...own, provider: "other" }],
    ["another model", { ...own, model: "m2" }],
    ["another wire format", { ...own, dialect: "openai-chat" }],
  ])("encode keeps state and reasoning of %s out, and tells", (_story, origin) => {
    const init = asked([thought("hm", origin), { kind: { case: "text", value: { text: "a" } } }], origin);
    expect(sent(init)).toEqual([{ type: "text", text: "a" }]);
    expect(encode(init).body).not.toContain("hm");
    const { adaptations } = encode(init);
    expect(adaptations.map(({ field }) => field)).toEqual(["messages[1].parts[0].state", "messages[1].parts[0]"]);
    for (const { reason } of adaptations) expect(reason).toMatch(/^STATE_NOT_PORTABLE: /);
  });

  test("encode keeps reasoning without a signature out, unless the model takes it", () => {
    const unsigned: Part = { kind: { case: "reasoning", value: { text: ["hm"] } } };
    const init = asked([unsigned, { kind: { case: "text", value: { text: "a" } } }]);
    expect(sent(init)).toEqual([{ type: "text", text: "a" }]);
    expect(encode(init).adaptations[0]?.reason).toMatch(/^STATE_NOT_PORTABLE: reasoning without its signature/);
    expect(sent(init, targetWith({ unsigned_thinking: true }))).toMatchObject([
      { type: "thinking", thinking: "hm", signature: "" },
      {},
    ]);
  });

  test("encode sends what the provider ran back as it was received", () => {
    const result =
      '{"type":"web_search_tool_result","tool_use_id":"s","content":[{"encrypted_content":"eA==","n": 1e2}]}';
    const parts: Part[] = [
      {
        kind: {
          case: "toolCall",
          value: {
            callId: "s",
            name: "web_search",
            executor: Executor.PROVIDER,
            nativeType: "server_tool_use",
            input: { case: "argumentsJson", value: '{"query":"q"}' },
          },
        },
        state: state("tool_use", '{"caller":{"type":"code_execution_20260120","tool_id":"x"}}'),
      },
      {
        kind: {
          case: "toolResult",
          value: { callId: "s", executor: Executor.PROVIDER, nativeType: "web_search_tool_result", nativeJson: result },
        },
      },
      {
        kind: {
          case: "opaque",
          value: { origin: own, nativeType: "compaction", json: '{"type":"compaction","content":"c"}' },
        },
      },
    ];
    const { body, adaptations } = encode(asked(parts));
    expect(body).toContain(
      '{"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"},"caller":{"type":"code_execution_20260120","tool_id":"x"}}',
    );
    expect(body).toContain(result);
    expect(body).toContain('{"type":"compaction","content":"c"}');
    expect(adaptations).toEqual([]);
  });

  test("encode sends citations back that the provider finds its sources by, and foreign ones not", () => {
    const json = '{"type":"web_search_result_location","url":"https://w","encrypted_index":"ZW5j"}';
    const cited = (origin: object): Part => {
      const citation = { nativeJson: json, state: state("encrypted_index", "ZW5j", origin) };
      return { kind: { case: "text", value: { text: "a", citations: [citation] } } };
    };
    expect(sent(asked([cited(own)], null))).toEqual([{ type: "text", text: "a", citations: [JSON.parse(json)] }]);
    expect(sent(asked([cited({ ...own, model: "m2" })], null))).toEqual([{ type: "text", text: "a" }]);
  });

  test("encode asks for the container in which code waits for results, and for no other one", () => {
    const container: Part = { state: state("container", "c1") };
    const asksFor = (more: string, ...last: Message[]): unknown => {
      const calls: Part = {
        kind: { case: "toolCall", value: { callId: "c", name: "f" } },
        state: state("tool_use", more),
      };
      const answer: Message = { role: Role.ASSISTANT, parts: [calls, container], origin: own };
      return bodyOf({ messages: [...hello, answer, ...last] })["container"];
    };
    const result: Message = { role: Role.TOOL, parts: [{ kind: { case: "toolResult", value: { callId: "c" } } }] };
    const byCode = '{"caller":{"type":"code_execution_20260120","tool_id":"s"}}';
    expect(asksFor(byCode, result)).toBe("c1");
    expect(asksFor(byCode)).toBeUndefined();
    expect(asksFor('{"toolset_name":"x"}', result)).toBeUndefined();
  });

  test("encode names the set of a tool beside its result, as the call did", () => {
    const parts: Part[] = [
      {
        kind: { case: "toolCall", value: { callId: "c", name: "click" } },
        state: state("tool_use", '{"toolset_name":"browser"}'),
      },
    ];
    const result: Message = { role: Role.TOOL, parts: [{ kind: { case: "toolResult", value: { callId: "c" } } }] };
    const messages = [...(asked(parts).messages ?? []).slice(0, 2), result];
    expect(bodyOf({ messages }).messages[2]?.content).toEqual([
      { type: "tool_result", tool_use_id: "c", toolset_name: "browser" },
    ]);
  });
});

describe("encode with lost state", () => {
  const call: Part = { kind: { case: "toolCall", value: { callId: "c", name: "f" } } };
  const result: Message = { role: Role.TOOL, parts: [{ kind: { case: "toolResult", value: { callId: "c" } } }] };
  const loop = (parts: Part[]): RequestInit => ({
    messages: [
      ...hello,
      { role: Role.ASSISTANT, parts, origin: own },
      result,
      { role: Role.ASSISTANT, parts: [call] },
      result,
    ],
    reasoning: { budgetTokens: 2000 },
  });

  test("encode switches reasoning by a budget off where the calls being answered lost their reasoning, and tells", () => {
    expect(bodyOf(loop([call]))["thinking"]).toBeUndefined();
    const [adaptation] = encode(loop([call])).adaptations;
    expect([adaptation?.field, adaptation?.reason.split(":")[0]]).toEqual(["reasoning", "STATE_NOT_PORTABLE"]);
  });

  test("encode leaves reasoning on where the turn begins with its reasoning, and where the model is not so strict", () => {
    expect(bodyOf(loop([thought("hm"), call]))["thinking"]).toEqual({ type: "enabled", budget_tokens: 2000 });
    expect(
      bodyOf({ ...loop([call]), reasoning: { enabled: true } }, targetWith({ thinking: "adaptive" }))["thinking"],
    ).toEqual({ type: "adaptive" });
  });
});
