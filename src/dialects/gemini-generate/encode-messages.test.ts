import { describe, expect, test } from "vitest";
import { Modality, Role } from "../../contract/index.ts";
import {
  assistant,
  call,
  encodeMessages,
  image,
  result,
  system,
  text,
  tools,
  user,
  type PartInit,
} from "./request.fixture.ts";
import { reasonThrown, targetWith } from "./target.fixture.ts";

const developer = (...parts: PartInit[]) => ({ role: Role.DEVELOPER, parts });

describe("encode keeps every instruction", () => {
  test("encode gathers the instructions at the start, each text a part of its own", () => {
    const { contents, systemInstruction, adaptations } = encodeMessages([
      system(text("One"), text("Two")),
      developer(text("Three")),
      user(text("Hi")),
    ]);
    expect(systemInstruction).toEqual({ parts: [{ text: "One" }, { text: "Two" }, { text: "Three" }] });
    expect(contents).toEqual([{ role: "user", parts: [{ text: "Hi" }] }]);
    expect(adaptations.map(({ field }) => field)).toEqual(["messages[1].role"]);
  });

  test("encode leaves a later instruction in its place, as words of the user that are marked", () => {
    const { contents, adaptations } = encodeMessages([
      user(text("Hi")),
      assistant(text("Yes")),
      system(text("Be brief")),
      user(text("Why")),
    ]);
    expect(contents).toEqual([
      { role: "user", parts: [{ text: "Hi" }] },
      { role: "model", parts: [{ text: "Yes" }] },
      { role: "user", parts: [{ text: "<system>\nBe brief\n</system>" }] },
      { role: "user", parts: [{ text: "Why" }] },
    ]);
    expect(adaptations).toMatchObject([{ field: "messages[2].role", appliedJson: '"user"' }]);
  });

  test("encode lets an instruction between calls and results wait, since nothing may come between those", () => {
    const { contents } = encodeMessages([
      user(text("Hi")),
      assistant(call("a"), call("b")),
      system(text("Wait")),
      tools(result("a", [text("1")])),
      tools(result("b", [text("2")])),
      user(text("So")),
    ]);
    expect(
      contents.map((content) => (content as { parts: object[] }).parts.map((part) => Object.keys(part)[0])),
    ).toEqual([
      ["text"],
      ["functionCall", "functionCall"],
      ["functionResponse", "functionResponse"],
      ["text"],
      ["text"],
    ]);
    expect(contents[3]).toEqual({ role: "user", parts: [{ text: "<system>\nWait\n</system>" }] });
  });

  test("encode sends the last instruction as a turn where there is nothing else", () => {
    const { contents, systemInstruction, adaptations } = encodeMessages([system(text("One")), system(text("Two"))]);
    expect(contents).toEqual([{ role: "user", parts: [{ text: "Two" }] }]);
    expect(systemInstruction).toEqual({ parts: [{ text: "One" }] });
    expect(adaptations).toHaveLength(1);
  });
});

describe("encode writes parts of the user", () => {
  const media = (value: object): PartInit => ({ kind: { case: "media", value: value as never } });

  test("encode writes bytes, addresses, files and texts of documents", () => {
    const inline = { case: "inline", value: new Uint8Array([1, 2, 3]) };
    const { contents, adaptations } = encodeMessages([
      user(
        media({ modality: Modality.IMAGE, mimeType: "image/png", source: inline }),
        image("gs://b/c.png"),
        media({ modality: Modality.VIDEO, source: { case: "url", value: "https://youtu.be/x" } }),
        media({
          modality: Modality.AUDIO,
          mimeType: "audio/mp3",
          source: { case: "file", value: { id: "https://g/files/1" } },
        }),
        media({ modality: Modality.DOCUMENT, source: { case: "text", value: "é" } }),
      ),
    ]);
    expect(contents).toEqual([
      {
        role: "user",
        parts: [
          { inlineData: { mimeType: "image/png", data: "AQID" } },
          { fileData: { mimeType: "image/png", fileUri: "gs://b/c.png" } },
          { fileData: { fileUri: "https://youtu.be/x" } },
          { fileData: { mimeType: "audio/mp3", fileUri: "https://g/files/1" } },
          { inlineData: { mimeType: "text/plain", data: "w6k=" } },
        ],
      },
    ]);
    expect(adaptations).toEqual([]);
  });

  test("encode tells of details, titles, names, marks and search results that the wire lacks", () => {
    const source = { case: "url", value: "https://a" } as const;
    const found = { source: "https://s", title: "T", content: [text("c")] };
    const { contents, adaptations } = encodeMessages([
      {
        role: Role.USER,
        name: "bob",
        parts: [
          {
            kind: {
              case: "media",
              value: { modality: Modality.IMAGE, source, detail: "high", title: "t", filename: "f" },
            },
          },
          { ...text("x"), cacheBreakpoint: { ttlSeconds: 300 } },
          { kind: { case: "searchResult", value: found } },
        ],
      },
    ]);
    expect(contents).toEqual([
      { role: "user", parts: [{ fileData: { fileUri: "https://a" } }, { text: "x" }, { text: "T (https://s)\n\nc" }] },
    ]);
    expect(adaptations.map(({ field }) => field)).toEqual([
      "messages[0].name",
      "messages[0].parts[0].media.detail",
      "messages[0].parts[0].media.title",
      "messages[0].parts[1].cache_breakpoint",
      "messages[0].parts[2]",
    ]);
    expect(adaptations[2]?.reason).toContain("in 2 places");
  });

  test("encode refuses bytes without a type", () => {
    const source = { case: "inline", value: new Uint8Array([1]) };
    expect(reasonThrown(() => encodeMessages([user(media({ modality: Modality.IMAGE, source }))]))).toBe(
      "INVALID_REQUEST",
    );
  });
});

describe("encode writes calls and results", () => {
  const answered = (...results: PartInit[]) =>
    (
      encodeMessages([user(text("Hi")), assistant(call("a", "look"), call("b", "read")), tools(...results)])
        .contents[2] as {
        parts: unknown[];
      }
    ).parts;

  test("encode sends arguments word for word", () => {
    const args = '{"z":9007199254740993,"10":1.0,"a":"\\u00e9"}';
    const { body } = encodeMessages([user(text("Hi")), assistant(call("a", "look", args)), tools(result("a"))]);
    expect(body).toContain(`{"functionCall":{"id":"a","name":"look","args":${args}}}`);
  });

  test("encode gathers the results of a step in one content, whoever sent them, with the names of their calls", () => {
    const { contents } = encodeMessages([
      user(text("Hi")),
      assistant(call("a", "look"), call("b", "read")),
      tools(result("b", [text("2")])),
      user(result("a", [text("1")]), text("Go on")),
    ]);
    expect(contents.slice(2)).toEqual([
      {
        role: "user",
        parts: [
          { functionResponse: { id: "b", name: "read", response: { output: "2" } } },
          { functionResponse: { id: "a", name: "look", response: { output: "1" } } },
        ],
      },
      { role: "user", parts: [{ text: "Go on" }] },
    ]);
  });

  test.each([
    ["an object as it is", [text('{"b":1,"a":[2]}')], false, { b: 1, a: [2] }],
    ["text", [text("sunny")], false, { output: "sunny" }],
    ["a list as text", [text("[1]")], false, { output: "[1]" }],
    ["a number as text", [text("200")], false, { output: "200" }],
    ["several texts", [text("a"), text("b")], false, { output: ["a", "b"] }],
    ["nothing", [], false, {}],
    ["an error", [text("no")], true, { error: "no" }],
    ["an error object", [text('{"code":1}')], true, { error: { code: 1 } }],
    ["an error without words", [], true, { error: "The tool failed." }],
  ])("encode wraps %s", (_story, content, isError, response) => {
    expect(answered(result("a", content, isError))).toEqual([
      { functionResponse: { id: "a", name: "look", response } },
    ]);
  });

  test("encode puts media of a result beside its words", () => {
    const parts = [{ fileData: { mimeType: "image/png", fileUri: "https://a/b.png" } }];
    expect(answered(result("a", [text("see"), image()]))).toEqual([
      { functionResponse: { id: "a", name: "look", response: { output: "see" }, parts } },
    ]);
  });

  test("encode takes a result's own name, and refuses one whose name nobody knows", () => {
    const named: PartInit = { kind: { case: "toolResult", value: { callId: "x", name: "own" } } };
    expect(answered(named)).toEqual([{ functionResponse: { id: "x", name: "own", response: {} } }]);
    expect(reasonThrown(() => answered(result("x")))).toBe("INVALID_REQUEST");
  });

  test("encode leaves ids out where the provider does not know them", () => {
    const messages = [user(text("Hi")), assistant(call("a", "look")), tools(result("a"))];
    expect(encodeMessages(messages, targetWith({ call_ids: false })).body).not.toContain('"id"');
  });

  test("encode refuses arguments that are no object, and says free text as an argument", () => {
    expect(reasonThrown(() => encodeMessages([user(text("Hi")), assistant(call("a", "look", "[1"))]))).toBe(
      "INVALID_REQUEST",
    );
    const free: PartInit = {
      kind: { case: "toolCall", value: { callId: "a", name: "sh", input: { case: "text", value: "ls" } } },
    };
    const { contents, adaptations } = encodeMessages([user(text("Hi")), assistant(free)]);
    expect(contents[1]).toEqual({
      role: "model",
      parts: [{ functionCall: { id: "a", name: "sh", args: { input: "ls" } } }],
    });
    expect(adaptations).toHaveLength(1);
  });

  test("encode sends a refusal as text and leaves empty texts and empty turns out", () => {
    const refusal: PartInit = { kind: { case: "refusal", value: { text: "No" } } };
    const { contents, adaptations } = encodeMessages([
      user(text("Hi")),
      assistant(text(""), refusal),
      assistant(text("")),
      user(text("So")),
    ]);
    expect(contents).toEqual([
      { role: "user", parts: [{ text: "Hi" }] },
      { role: "model", parts: [{ text: "No" }] },
      { role: "user", parts: [{ text: "So" }] },
    ]);
    expect(adaptations).toMatchObject([{ field: "messages[1].parts[1]" }]);
  });
});
