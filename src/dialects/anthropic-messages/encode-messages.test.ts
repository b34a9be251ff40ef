import { describe, expect, test } from "vitest";
import { Executor, Modality, Role } from "../../contract/index.ts";
import { bodyOf, encode, hello, say, told, type RequestInit } from "./request.fixture.ts";
import { targetWith } from "./target.fixture.ts";

type Message = NonNullable<RequestInit["messages"]>[number];

const text = (words: string): object => ({ type: "text", text: words });
const result = (callId: string, ...texts: readonly string[]): Message => ({
  role: Role.TOOL,
  parts: [{ kind: { case: "toolResult", value: { callId, content: say(Role.USER, ...texts).parts ?? [] } } }],
});
const call = (callId: string, json?: string): NonNullable<Message["parts"]>[number] => ({
  kind: {
    case: "toolCall",
    value: { callId, name: "f", ...(json === undefined ? {} : { input: { case: "argumentsJson", value: json } }) },
  },
});
const wireResult = (id: string, ...texts: readonly string[]): object => ({
  type: "tool_result",
  tool_use_id: id,
  ...(texts.length > 0 ? { content: texts.map(text) } : {}),
});

function conversation(messages: readonly Message[], settings: Record<string, string | boolean> = {}): unknown {
  const { system, messages: turns } = bodyOf({ messages: [...messages] }, targetWith(settings));
  return {
    ...(system ? { system } : {}),
    turns: (turns as { role: string; content: unknown }[]).map(({ role, content }) => [role, content]),
  };
}

describe("encode writes instructions", () => {
  test("encode puts instructions that come first before the conversation, all of them", () => {
    const messages = [say(Role.SYSTEM, "a", "b"), say(Role.SYSTEM, "c"), say(Role.DEVELOPER, "d"), say(Role.USER, "e")];
    expect(conversation(messages)).toEqual({ system: ["a", "b", "c", "d"].map(text), turns: [["user", [text("e")]]] });
    expect(told({ messages })).toEqual([["messages[2].role", "", '"system"']]);
  });

  const later = [
    say(Role.USER, "a"),
    say(Role.ASSISTANT, "b"),
    say(Role.USER, "c"),
    say(Role.SYSTEM, "d"),
    say(Role.SYSTEM, "e"),
  ];

  test("encode leaves later instructions in their place, as text of the user", () => {
    const { turns } = conversation(later) as { turns: unknown[] };
    expect(turns.at(-1)).toEqual(["user", [text("c"), text("<system>\nd\n</system>"), text("<system>\ne\n</system>")]]);
    expect(told({ messages: later })).toEqual([["messages[3].role", "", '"user"']]);
  });

  test("encode keeps later instructions as such where the model takes them, as one message after a user's", () => {
    const { turns } = conversation(later, { system_in_messages: true }) as { turns: unknown[] };
    expect(turns.slice(-2)).toEqual([
      ["user", [text("c")]],
      ["system", [text("d"), text("e")]],
    ]);
    expect(told({ messages: later }, targetWith({ system_in_messages: true }))).toEqual([]);
  });

  test.each([
    [
      "before a user's message",
      [say(Role.USER, "a"), say(Role.SYSTEM, "s"), say(Role.USER, "b")],
      [["user", ["a", "<s>", "b"]]],
    ],
    [
      "after an answer",
      [say(Role.USER, "a"), say(Role.ASSISTANT, "b"), say(Role.SYSTEM, "s")],
      [
        ["user", ["a"]],
        ["assistant", ["b"]],
        ["user", ["<s>"]],
      ],
    ],
  ])("encode writes instructions %s as text also where the model takes others", (_story, messages, expected) => {
    const { turns } = conversation(messages, { system_in_messages: true }) as { turns: [string, { text: string }[]][] };
    const short = turns.map(([role, content]) => [
      role,
      content.map((one) => (one.text.startsWith("<system>") ? "<s>" : one.text)),
    ]);
    expect(short).toEqual(expected);
  });
});

describe("encode writes the results of tools", () => {
  test("encode puts all results of a turn first into the one user message that follows", () => {
    const messages: Message[] = [
      ...hello,
      { role: Role.ASSISTANT, parts: [call("c1", '{"a":1}'), call("c2")] },
      result("c1", "one"),
      say(Role.SYSTEM, "s"),
      say(Role.USER, "and"),
      result("c2"),
    ];
    expect(conversation(messages)).toEqual({
      turns: [
        ["user", [text("Hi")]],
        [
          "assistant",
          [
            { type: "tool_use", id: "c1", name: "f", input: { a: 1 } },
            { type: "tool_use", id: "c2", name: "f", input: {} },
          ],
        ],
        ["user", [wireResult("c1", "one"), wireResult("c2"), text("<system>\ns\n</system>"), text("and")]],
      ],
    });
  });

  test("encode leaves two messages of a user apart where no results are among them", () => {
    expect(conversation([say(Role.USER, "a"), say(Role.USER, "b")])).toEqual({
      turns: [
        ["user", [text("a")]],
        ["user", [text("b")]],
      ],
    });
  });

  test("encode writes failures, media and passages of results", () => {
    const image = {
      modality: Modality.IMAGE,
      mimeType: "image/png",
      source: { case: "inline", value: Uint8Array.of(1, 2) },
    } as const;
    const passage = {
      source: "https://s",
      title: "S",
      content: say(Role.USER, "p").parts ?? [],
      citationsEnabled: true,
    };
    const content = [
      { kind: { case: "media", value: image } },
      { kind: { case: "searchResult", value: passage } },
    ] as const;
    const value = { callId: "c1", content: [...content], isError: true };
    const messages: Message[] = [
      ...hello,
      { role: Role.ASSISTANT, parts: [call("c1")] },
      { role: Role.USER, parts: [{ kind: { case: "toolResult", value } }] },
    ];
    const { turns } = conversation(messages) as { turns: unknown[] };
    expect(turns.at(-1)).toEqual([
      "user",
      [
        {
          type: "tool_result",
          tool_use_id: "c1",
          is_error: true,
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AQI=" } },
            {
              type: "search_result",
              source: "https://s",
              title: "S",
              content: [text("p")],
              citations: { enabled: true },
            },
          ],
        },
      ],
    ]);
  });

  test("encode gives calls ids that the provider takes, the same for a call and its result", () => {
    const messages: Message[] = [
      ...hello,
      { role: Role.ASSISTANT, parts: [call("functions.f:0")] },
      result("functions.f:0"),
    ];
    const { turns } = conversation(messages) as { turns: [string, Record<string, unknown>[]][] };
    expect([turns[1]?.[1][0]?.["id"], turns[2]?.[1][0]?.["tool_use_id"]]).toEqual(["renamed_call_0", "renamed_call_0"]);
    expect(told({ messages }).length).toBe(1);
  });
});

describe("encode writes media", () => {
  const bytes = new TextEncoder().encode("hé");
  test.each([
    [
      { modality: Modality.IMAGE, source: { case: "url", value: "https://i" } },
      { type: "image", source: { type: "url", url: "https://i" } },
    ],
    [
      { modality: Modality.IMAGE, source: { case: "file", value: { id: "f1" } } },
      { type: "image", source: { type: "file", file_id: "f1" } },
    ],
    [
      {
        modality: Modality.DOCUMENT,
        mimeType: "application/pdf",
        source: { case: "inline", value: Uint8Array.of(1) },
        filename: "a.pdf",
      },
      { type: "document", source: { type: "base64", media_type: "application/pdf", data: "AQ==" }, title: "a.pdf" },
    ],
    [
      { modality: Modality.DOCUMENT, mimeType: "text/plain; charset=utf-8", source: { case: "inline", value: bytes } },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "hé" } },
    ],
    [
      { modality: Modality.DOCUMENT, source: { case: "text", value: "t" }, title: "T", citationsEnabled: true },
      {
        type: "document",
        source: { type: "text", media_type: "text/plain", data: "t" },
        title: "T",
        citations: { enabled: true },
      },
    ],
  ])("encode writes the medium %j", (value, expected) => {
    const messages = [{ role: Role.USER, parts: [{ kind: { case: "media", value } }] }] as Message[];
    expect(bodyOf({ messages }).messages[0]?.content).toEqual([expected]);
  });
});

describe("encode writes earlier answers", () => {
  const answer = (...parts: NonNullable<Message["parts"]>): Message[] => [...hello, { role: Role.ASSISTANT, parts }];
  const sent = (messages: Message[]): unknown => bodyOf({ messages })["messages"][1]?.content;

  test("encode cuts the space off an answer to go on with, and tells", () => {
    const messages = [...hello, { ...say(Role.ASSISTANT, "So \n"), prefill: true }];
    expect(sent(messages)).toEqual([text("So")]);
    expect(told({ messages })).toEqual([["messages[1]", "", ""]]);
  });

  test("encode leaves blank text out, and the message with it where nothing else is in it", () => {
    expect(sent(answer({ kind: { case: "text", value: { text: "\n\n" } } }, call("c")))).toMatchObject([
      { type: "tool_use" },
    ]);
    expect(sent([...hello, say(Role.ASSISTANT, ""), say(Role.USER, "b")])).toEqual([text("b")]);
  });

  test.each([
    ['{"a":9007199254740993}', '"input":{"a":9007199254740993}', 0],
    ['{"a":', '"input":{"INVALID_JSON":"{\\"a\\":"}', 1],
    ["[1]", '"input":{"value":[1]}', 1],
    ["", '"input":{}', 0],
  ])("encode writes the arguments %s as %s", (json, expected, adaptations) => {
    const request = encode({ messages: answer(call("c", json)) });
    expect(request.body).toContain(expected);
    expect(request.adaptations).toHaveLength(adaptations);
  });

  test("encode writes refusals and free text of calls as what the wire has", () => {
    const free = {
      kind: { case: "toolCall", value: { callId: "c", name: "f", input: { case: "text", value: "x" } } },
    } as const;
    const messages = answer({ kind: { case: "refusal", value: { text: "No." } } }, free);
    expect(sent(messages)).toEqual([text("No."), { type: "tool_use", id: "c", name: "f", input: { input: "x" } }]);
    expect(told({ messages }).length).toBe(2);
  });

  test("encode leaves out what a provider ran that is not this one", () => {
    const shared = { callId: "s", name: "web_search", executor: Executor.PROVIDER };
    const messages = answer(
      { kind: { case: "toolCall", value: { ...shared, nativeType: "server_tool_use" } } },
      { kind: { case: "toolResult", value: { ...shared, nativeJson: '{"type":"web_search_tool_result"}' } } },
      { kind: { case: "text", value: { text: "a" } } },
    );
    expect(sent(messages)).toEqual([text("a")]);
    expect(encode({ messages }).adaptations.map(({ reason }) => reason.split(":")[0])).toEqual([
      "STATE_NOT_PORTABLE",
      "STATE_NOT_PORTABLE",
    ]);
  });
});
