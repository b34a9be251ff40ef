import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  ChatResponseSchema,
  MessageSchema,
  ParleyRequestError,
  collect,
  messageOf,
  reasoningOf,
  refusalOf,
  textOf,
  textStream,
} from "./index.ts";
import { answer, completed, failed, finished, numbered, started, textBlock, textPart } from "../test/events.ts";

async function pieces(stream: AsyncIterable<string>): Promise<string[]> {
  return Array.fromAsync(stream);
}

describe("textStream", () => {
  test("gives the pieces as they come, and the same text as textOf", async () => {
    const events = answer(["Hel", "lo", "", "!"]);
    expect(await pieces(textStream(events))).toEqual(["Hel", "lo", "!"]);
    expect((await pieces(textStream(events))).join("")).toBe(textOf(await collect(events)));
  });

  test("gives a part that came whole, without deltas", async () => {
    const part = textPart("Hello");
    const events = numbered([
      started,
      { case: "blockStarted", value: { part } },
      { case: "blockFinished", value: { part } },
      finished(),
      completed,
    ]);
    expect(await pieces(textStream(events))).toEqual(["Hello"]);
  });

  test("keeps candidates apart", async () => {
    const events = numbered([
      started,
      ...textBlock(["zero"], 0, 0),
      ...textBlock(["one"], 0, 1),
      finished(),
      finished(undefined, 1),
      completed,
    ]);
    expect(await pieces(textStream(events))).toEqual(["zero"]);
    expect(await pieces(textStream(events, { candidate: 1 }))).toEqual(["one"]);
  });

  test("throws the stream's failure after the text that came before it", async () => {
    const given: string[] = [];
    const reading = (async () => {
      for await (const text of textStream(numbered([started, ...textBlock(["Hel"]).slice(0, 2), failed()])))
        given.push(text);
    })();
    await expect(reading).rejects.toBeInstanceOf(ParleyRequestError);
    expect(given).toEqual(["Hel"]);
  });
});

describe("textOf", () => {
  test("reads a response, a candidate and a message, and gives nothing where there is no text", async () => {
    const response = await collect(answer(["Hi"]));
    const [candidate] = response.candidates;
    expect([textOf(response), textOf(candidate!), textOf(messageOf(response))]).toEqual(["Hi", "Hi", "Hi"]);
    expect(textOf(create(ChatResponseSchema))).toBe("");
  });
});

describe("messageOf", () => {
  test("throws where a response has no candidate", () => {
    expect(() => messageOf(create(ChatResponseSchema, { id: "req_1" }))).toThrow("response req_1");
  });
});

describe("reasoningOf and refusalOf", () => {
  test("reasoningOf prefers the reasoning's text and falls back to its summary", () => {
    const message = create(MessageSchema, {
      parts: [
        { kind: { case: "reasoning", value: { text: ["first", "second"], summary: ["short"] } } },
        { kind: { case: "reasoning", value: { text: [""], summary: ["only a summary"] } } },
        { kind: { case: "refusal", value: { text: "I cannot" } } },
      ],
    });
    expect(reasoningOf(message)).toBe("first\n\nsecond\n\nonly a summary");
    expect(refusalOf(message)).toBe("I cannot");
    expect(textOf(message)).toBe("");
  });
});
