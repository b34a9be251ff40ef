import { describe, expect, test } from "vitest";
import { Modality, Role } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import {
  assistant,
  call,
  encodeMessages,
  image,
  result,
  text,
  tools,
  user,
  wireCall,
  type MessageInit,
  type PartInit,
} from "./messages.fixture.ts";
import { targetWith } from "./target.fixture.ts";

const bytes = new Uint8Array([0, 1, 2]);
const media = (modality: Modality, mimeType: string, more: object = {}): PartInit => ({
  kind: { case: "media", value: { modality, mimeType, source: { case: "inline", value: bytes }, ...more } },
});

const table: readonly (readonly [story: string, messages: MessageInit[], wire: unknown[], target?: DialectTarget])[] = [
  [
    "system messages where they stand, twice",
    [
      { role: Role.SYSTEM, parts: [text("a")] },
      user(text("b")),
      { role: Role.SYSTEM, parts: [text("c"), text("d")], name: "boss" },
    ],
    [
      { role: "system", content: "a" },
      { role: "user", content: "b" },
      {
        role: "system",
        content: [
          { type: "text", text: "c" },
          { type: "text", text: "d" },
        ],
        name: "boss",
      },
    ],
  ],
  [
    "developer messages as such",
    [{ role: Role.DEVELOPER, parts: [text("a")] }],
    [{ role: "developer", content: "a" }],
    targetWith({ developer_role: "developer" }),
  ],
  [
    "developer messages as system messages",
    [{ role: Role.DEVELOPER, parts: [text("a")] }],
    [{ role: "system", content: "a" }],
  ],
  [
    "media of all kinds",
    [
      user(
        image(),
        media(Modality.IMAGE, "image/png", { detail: "low" }),
        media(Modality.AUDIO, "audio/mpeg"),
        media(Modality.AUDIO, "audio/x-wav"),
        media(Modality.DOCUMENT, "application/pdf", { filename: "a.pdf" }),
        {
          kind: {
            case: "media",
            value: { modality: Modality.DOCUMENT, source: { case: "file", value: { id: "file-1" } } },
          },
        },
        {
          kind: {
            case: "media",
            value: { modality: Modality.DOCUMENT, title: "T", source: { case: "text", value: "words" } },
          },
        },
      ),
    ],
    [
      {
        role: "user",
        content: [
          { type: "image_url", image_url: { url: "https://a/b.png" } },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAEC", detail: "low" } },
          { type: "input_audio", input_audio: { data: "AAEC", format: "mp3" } },
          { type: "input_audio", input_audio: { data: "AAEC", format: "wav" } },
          { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AAEC" } },
          { type: "file", file: { file_id: "file-1" } },
          { type: "text", text: "T\n\nwords" },
        ],
      },
    ],
  ],
  [
    "an assistant's text, calls and arguments word for word",
    [assistant(text("a"), call("c1", "f", '{"z":1,  "a":9007199254740993}'), call("c2", "f", "not json"))],
    [
      {
        role: "assistant",
        content: "a",
        tool_calls: [wireCall("c1", '{"z":1,  "a":9007199254740993}'), wireCall("c2", "not json")],
      },
    ],
  ],
  ["calls alone", [assistant(call("c1"))], [{ role: "assistant", content: null, tool_calls: [wireCall("c1")] }]],
  [
    "a call without arguments, and one of a free-text tool",
    [
      assistant(
        { kind: { case: "toolCall", value: { callId: "c1", name: "f" } } },
        { kind: { case: "toolCall", value: { callId: "c2", name: "sh", input: { case: "text", value: "ls" } } } },
      ),
    ],
    [
      {
        role: "assistant",
        content: null,
        tool_calls: [wireCall("c1"), { id: "c2", type: "custom", custom: { name: "sh", input: "ls" } }],
      },
    ],
  ],
  [
    "refusals, alone and beside text",
    [
      assistant({ kind: { case: "refusal", value: { text: "No" } } }),
      assistant(text("a"), { kind: { case: "refusal", value: { text: "No" } } }),
    ],
    [
      { role: "assistant", content: null, refusal: "No" },
      {
        role: "assistant",
        content: [
          { type: "text", text: "a" },
          { type: "refusal", refusal: "No" },
        ],
      },
    ],
  ],
  ["an assistant that said nothing", [assistant()], [{ role: "assistant", content: "" }]],
  [
    "an earlier spoken answer by its id",
    [
      assistant({
        kind: {
          case: "media",
          value: { modality: Modality.AUDIO, generatedId: "audio_1", source: { case: "inline", value: bytes } },
        },
      }),
    ],
    [{ role: "assistant", content: null, audio: { id: "audio_1" } }],
  ],
  [
    "results of tools, several in one message, errors marked",
    [assistant(call("c1"), call("c2")), tools(result("c1", [text("ok")]), result("c2", [text("bad")], true))],
    [
      { role: "assistant", content: null, tool_calls: [wireCall("c1"), wireCall("c2")] },
      { role: "tool", tool_call_id: "c1", content: "ok" },
      { role: "tool", tool_call_id: "c2", content: "Error: bad" },
    ],
  ],
  [
    "images of results, after the last result and before what the user says",
    [
      assistant(call("c1"), call("c2")),
      tools(result("c1", [image()])),
      tools(result("c2", [text("x"), image("https://c")])),
      user(text("go on")),
    ],
    [
      { role: "assistant", content: null, tool_calls: [wireCall("c1"), wireCall("c2")] },
      { role: "tool", tool_call_id: "c1", content: "The result is in the user message that follows." },
      { role: "tool", tool_call_id: "c2", content: "x" },
      {
        role: "user",
        content: [
          { type: "text", text: "From the result of tool call c1:" },
          { type: "image_url", image_url: { url: "https://a/b.png" } },
          { type: "text", text: "From the result of tool call c2:" },
          { type: "image_url", image_url: { url: "https://c" } },
        ],
      },
      { role: "user", content: "go on" },
    ],
  ],
  [
    "results inside a user's message as messages of their own",
    [assistant(call("c1")), user(result("c1", []), text("go on"))],
    [
      { role: "assistant", content: null, tool_calls: [wireCall("c1")] },
      { role: "tool", tool_call_id: "c1", content: "" },
      { role: "user", content: "go on" },
    ],
  ],
  [
    "passages as text",
    [user({ kind: { case: "searchResult", value: { title: "T", source: "https://a", content: [text("says")] } } })],
    [{ role: "user", content: "T (https://a)\n\nsays" }],
  ],
  [
    "reasoning in the member that the provider wants",
    [assistant({ kind: { case: "reasoning", value: { text: ["Hm"] } } }, text("a"))],
    [{ role: "assistant", content: "a", reasoning_content: "Hm" }],
    targetWith({ reasoning_history: "reasoning_content" }),
  ],
  [
    "cache marks",
    [user({ ...text("a"), cacheBreakpoint: { ttlSeconds: 1800 } })],
    [
      {
        role: "user",
        content: [{ type: "text", text: "a", prompt_cache_breakpoint: { mode: "explicit", ttl: "30m" } }],
      },
    ],
    targetWith({ cache_breakpoints: true }),
  ],
  [
    "a message to be continued",
    [user(text("a")), { ...assistant(text("b")), prefill: true }],
    [
      { role: "user", content: "a" },
      { role: "assistant", content: "b", prefix: true },
    ],
    targetWith({ prefill: "prefix" }),
  ],
];

describe("encode writes messages", () => {
  test.for(table)("encode writes %s", ([, messages, wire, target]) => {
    expect(encodeMessages(messages, target).messages).toEqual(wire);
  });

  test("encode gives long ids of calls a short one, the same for call and result", () => {
    const long = "x".repeat(41);
    const target = targetWith({ max_call_id_chars: 40 });
    const { messages, adaptations } = encodeMessages(
      [assistant(call(long), call("short")), tools(result(long, [text("ok")]))],
      target,
    );
    expect(messages).toMatchObject([
      { tool_calls: [{ id: "renamed_call_0" }, { id: "short" }] },
      { tool_call_id: "renamed_call_0" },
    ]);
    expect(adaptations).toMatchObject([{ field: "messages[0].parts[0].tool_call.call_id", quirkId: "T1" }]);
  });

  test("encode leaves out names that the wire does not take, and tells", () => {
    const { messages, adaptations } = encodeMessages([{ ...user(text("a")), name: "has space" }]);
    expect(messages).toEqual([{ role: "user", content: "a" }]);
    expect(adaptations).toMatchObject([{ field: "messages[0].name" }]);
  });

  test("encode tells what happened to many parts once, with the number of places", () => {
    const { adaptations } = encodeMessages([
      assistant(call("c1")),
      tools(result("c1", [image(), image()])),
      user(text("a")),
    ]);
    expect(adaptations).toHaveLength(1);
    expect(adaptations[0]?.field).toBe("messages[1].parts[0].tool_result.content[0]");
    expect(adaptations[0]?.reason).toContain("in 2 places");
  });
});
