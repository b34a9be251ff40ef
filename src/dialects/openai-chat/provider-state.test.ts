import { describe, expect, test } from "vitest";
import { Executor } from "../../contract/index.ts";
import { assistant, call, encodeMessages, foreign, mine, text, type PartInit } from "./messages.fixture.ts";
import { targetWith } from "./target.fixture.ts";

describe("encode sends state back to its origin only", () => {
  const detail = '{"type":"reasoning.text","text":"Hm","signature":"sig","index":0}';
  const extra = '{"google":{"thought_signature":"c2ln"}}';
  const state = (origin: object, format: string, value: string) => [
    { origin, format, payload: { case: "text" as const, value } },
  ];
  const thought = (origin: object): PartInit => ({
    kind: { case: "reasoning", value: { text: ["Hm"] } },
    state: state(origin, "openai-chat.reasoning_details", detail),
  });

  test("encode sends details and extra content back word for word", () => {
    const { body, adaptations } = encodeMessages([
      assistant(
        thought(mine),
        { ...call("c1"), state: state(mine, "openai-chat.extra_content", extra) },
        {
          ...text("a"),
          state: state(mine, "openai-chat.extra_content", '{"b":1,"a":2}'),
        },
      ),
    ]);
    expect(body).toContain(`"reasoning_details":[${detail}]`);
    expect(body).toContain(`"arguments":"{}"},"extra_content":${extra}`);
    expect(body).toContain('"extra_content":{"b":1,"a":2}');
    expect(adaptations).toEqual([]);
  });

  test.each([
    ["another provider", { ...mine, provider: "other" }],
    ["another model", { ...mine, model: "m2" }],
    ["another dialect", foreign],
  ])("encode leaves state of %s out, and tells", (_story, origin) => {
    const { body, adaptations } = encodeMessages([assistant(thought(origin), text("a"))]);
    expect(body).not.toContain("sig");
    expect(adaptations[0]).toMatchObject({ field: "messages[0].parts[0].state" });
    expect(adaptations[0]?.reason).toMatch(/^STATE_NOT_PORTABLE: /);
  });

  test("encode keeps reasoning of another provider out even where the target wants its own back", () => {
    const message = {
      ...assistant({ kind: { case: "reasoning", value: { text: ["Hm"] } } }, text("a")),
      origin: foreign,
    };
    const { messages, adaptations } = encodeMessages([message], targetWith({ reasoning_history: "reasoning" }));
    expect(messages).toEqual([{ role: "assistant", content: "a" }]);
    expect(adaptations[0]?.reason).toMatch(/^STATE_NOT_PORTABLE: /);
  });

  test("encode leaves foreign blocks and tools that a provider ran out of earlier turns, and tells", () => {
    const { messages, adaptations } = encodeMessages([
      assistant(
        { kind: { case: "opaque", value: { origin: foreign, nativeType: "x", json: "{}" } } },
        { kind: { case: "toolCall", value: { callId: "s1", name: "search", executor: Executor.PROVIDER } } },
        { kind: { case: "toolResult", value: { callId: "s1", executor: Executor.PROVIDER } } },
        text("a"),
      ),
    ]);
    expect(messages).toEqual([{ role: "assistant", content: "a" }]);
    expect(adaptations.map(({ field }) => field)).toEqual([
      "messages[0].parts[0]",
      "messages[0].parts[1]",
      "messages[0].parts[2]",
    ]);
  });

  test("encode sends the dialect's own blocks back word for word", () => {
    const json = '{"type":"novelty","z":1,"a":2}';
    const { body } = encodeMessages([
      assistant({ kind: { case: "opaque", value: { origin: mine, nativeType: "novelty", json } } }),
    ]);
    expect(body).toContain(`"content":[${json}]`);
  });
});
