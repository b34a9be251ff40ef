import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  Executor,
  MessageSchema,
  Role,
  TruncatedStreamError,
  invalidToolCallsOf,
  toolCalls,
  toolCallsOf,
} from "./index.ts";
import { completed, finished, numbered, started, textBlock, toolBlock, toolPart } from "../test/events.ts";

type Parts = Parameters<typeof toolPart>;

function messageWith(...parts: Parts[]): Parameters<typeof toolCallsOf>[0] {
  return create(MessageSchema, { role: Role.ASSISTANT, parts: parts.map((part) => toolPart(...part)) });
}

describe("toolCallsOf", () => {
  test("parses arguments and keeps their text word for word", () => {
    const text = '{ "id": 12345678901234567890, "city": "Rome" }';
    const [call] = toolCallsOf(messageWith([text]));
    expect(call).toMatchObject({ callId: "call_1", name: "weather", argumentsText: text, isText: false });
    expect(call?.arguments["city"]).toBe("Rome");
    expect(call?.arguments).toBe(call?.arguments);
  });

  test("takes empty arguments as none", () => {
    expect(toolCallsOf(messageWith([""]))[0]?.arguments).toEqual({});
  });

  test.each(['{"city":"Ro', "[1]", "7", '"Rome"', "null", "{} {}"])("leaves out arguments %s", (text) => {
    const message = messageWith([text]);
    expect(toolCallsOf(message)).toEqual([]);
    expect(invalidToolCallsOf(message)).toMatchObject([{ callId: "call_1", argumentsText: text }]);
  });

  test("leaves out what the gateway marked as invalid", () => {
    const message = messageWith(["{}", { argumentsInvalid: true }]);
    expect(toolCallsOf(message)).toEqual([]);
    expect(invalidToolCallsOf(message)[0]?.why).toContain("not valid JSON");
  });

  test("leaves out calls that the provider ran, and those of an executor it does not know", () => {
    const unknown = 9 as typeof Executor.PROVIDER;
    const message = messageWith(["{}", { executor: Executor.PROVIDER }], ["{}", { executor: unknown }]);
    expect(toolCallsOf(message)).toEqual([]);
    expect(invalidToolCallsOf(message)).toEqual([]);
    expect(toolCallsOf(messageWith(["{}", { executor: Executor.CALLER }]))).toHaveLength(1);
  });

  test("gives the free text of a custom tool", () => {
    const input = { case: "text" as const, value: "SELECT 1" };
    const message = create(MessageSchema, {
      parts: [{ kind: { case: "toolCall", value: { callId: "c", name: "sql", input } } }],
    });
    expect(toolCallsOf(message)).toMatchObject([{ argumentsText: "SELECT 1", isText: true, arguments: {} }]);
  });
});

describe("toolCalls", () => {
  const whole = numbered([
    started,
    ...textBlock(["Let me see"]),
    ...toolBlock(['{"city":', '"Rome"}'], 1),
    finished(),
    completed,
  ]);

  test("gives a call only when its block has finished", async () => {
    let seen = 0;
    function* watched(): Generator<(typeof whole)[number]> {
      for (const event of whole) {
        seen += 1;
        yield event;
      }
    }
    const seenAtCall: number[] = [];
    for await (const call of toolCalls(watched())) {
      expect(call.arguments).toEqual({ city: "Rome" });
      seenAtCall.push(seen);
    }
    expect(seenAtCall).toEqual([whole.length - 2]);
  });

  test("throws where the stream is cut, and gives no half call before", async () => {
    const given: unknown[] = [];
    const reading = (async () => {
      for await (const call of toolCalls(whole.slice(0, -3))) given.push(call);
    })();
    await expect(reading).rejects.toBeInstanceOf(TruncatedStreamError);
    expect(given).toEqual([]);
  });
});
