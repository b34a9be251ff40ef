import { expect, test } from "vitest";
import { Executor, Role } from "../../contract/index.ts";
import { bodyOf, encode, hello, tool, type RequestInit } from "./request.fixture.ts";
import { targetWith } from "./target.fixture.ts";

const mark = { cacheBreakpoint: { ttlSeconds: 300 } };
const control = { type: "ephemeral", ttl: "5m" };
const own = { provider: "house", dialect: "anthropic-messages", model: "m1" };
const parts = (role: Role, text: string): NonNullable<RequestInit["messages"]>[number] => ({
  role,
  parts: [{ kind: { case: "text", value: { text } }, ...mark }],
});

test("encode marks tools, instructions, messages, calls and results", () => {
  const call = { kind: { case: "toolCall", value: { callId: "c", name: "f" } }, ...mark } as const;
  const result = { kind: { case: "toolResult", value: { callId: "c" } }, ...mark } as const;
  const messages: RequestInit["messages"] = [
    parts(Role.SYSTEM, "s"),
    ...hello,
    { role: Role.ASSISTANT, parts: [call] },
    { role: Role.TOOL, parts: [result] },
  ];
  const body = bodyOf({ messages, tools: [{ ...tool("f"), ...mark }] });
  expect(body.tools?.[0]?.cache_control).toEqual(control);
  expect(body.system?.[0]?.cache_control).toEqual(control);
  expect(body.messages[1]?.content[0]?.cache_control).toEqual(control);
  expect(body.messages[2]?.content[0]?.cache_control).toEqual(control);
});

test("encode marks blocks that go back as they were received, and refuses marks on reasoning", () => {
  const native = {
    callId: "s",
    executor: Executor.PROVIDER,
    nativeJson: '{"type":"x_tool_result","n":9007199254740993}',
  };
  const signature = {
    origin: own,
    format: "anthropic-messages.signature",
    payload: { case: "text", value: "c" },
  } as const;
  const answer = {
    role: Role.ASSISTANT,
    origin: own,
    parts: [
      { kind: { case: "reasoning", value: { text: ["hm"] } }, state: [signature], ...mark },
      { kind: { case: "toolResult", value: native }, ...mark },
    ],
  } as const;
  const definitionJson = '{"type":"bash_20250124","name":"bash"}';
  const bash = {
    kind: { case: "native", value: { dialect: "anthropic-messages", type: "bash_20250124", definitionJson } },
    ...mark,
  } as const;
  const request = encode({ messages: [...hello, answer as never, ...hello], tools: [bash] }, targetWith());
  expect(request.body).toContain(
    '{"type":"x_tool_result","n":9007199254740993,"cache_control":{"type":"ephemeral","ttl":"5m"}}',
  );
  expect(request.body).toContain(
    '{"type":"bash_20250124","name":"bash","cache_control":{"type":"ephemeral","ttl":"5m"}}',
  );
  expect(request.adaptations.map(({ field }) => field)).toEqual(["messages[1].parts[0].cache_breakpoint"]);
});

test("encode counts the mark that the provider places itself", () => {
  const messages = Array.from({ length: 4 }, () => parts(Role.USER, "a"));
  const request = encode({ messages, caching: {} }, targetWith({ automatic_caching: true }));
  expect(request.body.match(/"cache_control"/g)).toHaveLength(4);
  expect(request.adaptations).toHaveLength(1);
});
