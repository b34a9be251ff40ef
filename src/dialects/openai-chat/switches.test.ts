import { describe, expect, test } from "vitest";
import { Effort, Modality, Role, ToolMode } from "../../contract/index.ts";
import { openaiChat } from "./index.ts";
import { unusableSettings } from "./settings.ts";
import { bodyOf, encode, hello, requestOf, tool, type RequestInit } from "./request.fixture.ts";
import { countingIds, foldBody, targetWith } from "./target.fixture.ts";

// The switches by which vendors of this wire format differ; entries of providers set them as data.

type Settings = NonNullable<Parameters<typeof targetWith>[0]>;
type Messages = NonNullable<RequestInit["messages"]>;
type Parts = NonNullable<Messages[number]["parts"]>;

const text = (words: string) => ({ kind: { case: "text", value: { text: words } } }) as const;
const call = (callId: string) =>
  ({
    kind: { case: "toolCall", value: { callId, name: "f", input: { case: "argumentsJson", value: "{}" } } },
  }) as const;
const result = (callId: string, content: Parts = [text("42")]) =>
  ({ kind: { case: "toolResult", value: { callId, content } } }) as const;
const reasoning = (words: string) => ({ kind: { case: "reasoning" as const, value: { text: [words] } } });
const media = (modality: Modality, source: object, more: object = {}) =>
  ({ kind: { case: "media", value: { modality, source, mimeType: "audio/wav", ...more } } }) as Parts[number];
const inline = { case: "inline", value: new Uint8Array([1, 2, 3]) };

const from = (role: Role, ...parts: Parts): Messages[number] => ({ role, parts });
const wireMessages = (messages: Messages, settings: Settings, more: RequestInit = {}) =>
  bodyOf({ messages, ...more }, targetWith(settings))["messages"] as Record<string, unknown>[];
const refusedFields = (init: RequestInit, settings: Settings, rejects: readonly string[] = []) =>
  openaiChat.unsupported(requestOf(init), targetWith(settings, {}, rejects)).map(({ field }) => field);

describe("reasoning_request", () => {
  const on = { reasoning: { enabled: true } };
  const off = { reasoning: { enabled: false } };
  const high = { reasoning: { effort: Effort.HIGH } };
  const budget = { reasoning: { budgetTokens: 2048 } };

  test.each<[string, Settings, RequestInit, object]>([
    ["thinking on", { reasoning_request: "thinking" }, on, { thinking: { type: "enabled" } }],
    ["thinking off", { reasoning_request: "thinking" }, off, { thinking: { type: "disabled" } }],
    [
      "thinking with an effort",
      { reasoning_request: "thinking", efforts: "high,max" },
      { reasoning: { effort: Effort.LOW } },
      { thinking: { type: "enabled" }, reasoning_effort: "high" },
    ],
    ["thinking that is always on", { reasoning_request: "thinking", reasons: "always" }, on, {}],
    ["enable_thinking on", { reasoning_request: "enable_thinking" }, on, { enable_thinking: true }],
    ["enable_thinking off", { reasoning_request: "enable_thinking" }, off, { enable_thinking: false }],
    [
      "enable_thinking with a budget",
      { reasoning_request: "enable_thinking", thinking_budget: true },
      budget,
      { enable_thinking: true, thinking_budget: 2048 },
    ],
    ["template off", { reasoning_request: "template" }, off, { chat_template_kwargs: { enable_thinking: false } }],
  ])("reasoning_request writes %s", (_, settings, init, expected) => {
    const { model, messages, ...rest } = bodyOf(init, targetWith(settings));
    expect([model, messages]).toBeDefined();
    expect(rest).toEqual(expected);
  });

  test("reasoning_request tells of an effort that a bare switch cannot carry", () => {
    const told = (init: RequestInit) =>
      encode(init, targetWith({ reasoning_request: "enable_thinking" })).adaptations.map(({ field }) => field);
    expect([told(high), told(budget), told(on), told(off)]).toEqual([
      ["reasoning.effort"],
      ["reasoning.budget_tokens"],
      [],
      [],
    ]);
  });

  test("reasons says whether reasoning can be switched off", () => {
    expect(refusedFields(off, { reasoning_request: "thinking", reasons: "always" })).toEqual(["reasoning.enabled"]);
    expect(refusedFields(off, { reasoning_request: "thinking", reasons: "default", efforts: "high,max" })).toEqual([]);
    expect(refusedFields(off, { reasoning_request: "effort", efforts: "low,high" })).toEqual(["reasoning.enabled"]);
  });

  test("thinking_keep asks for earlier reasoning to count while the model reasons", () => {
    const settings = { reasoning_request: "thinking", reasons: "default", thinking_keep: true };
    expect(bodyOf({}, targetWith(settings))["thinking"]).toEqual({ type: "enabled", keep: "all" });
    expect(bodyOf(off, targetWith(settings))["thinking"]).toEqual({ type: "disabled" });
  });
});

describe("rejects_while_reasoning", () => {
  const list = "tool_choice,output.json_object,sampling.temperature,sampling.candidates";
  const off = { enabled: false };
  const required = { tools: [tool("f")], toolChoice: { mode: ToolMode.REQUIRED } };
  const json: RequestInit = { output: { format: { case: "jsonObject", value: {} } } };

  test.each<[string, RequestInit, "asked" | "default" | "always", string[]]>([
    ["a demanded tool by default", required, "default", ["tool_choice"]],
    ["a demanded tool with reasoning off", { ...required, reasoning: off }, "default", []],
    ["a demanded tool where nobody asks to reason", required, "asked", []],
    ["a tool that may be called", { tools: [tool("f")], toolChoice: { mode: ToolMode.AUTO } }, "always", []],
    ["JSON mode", json, "always", ["output.json_object"]],
    ["temperature and n", { sampling: { temperature: 0, candidates: 2 } }, "default", list.split(",").slice(2)],
    ["neutral values", { sampling: { temperature: 1, candidates: 1 } }, "always", []],
  ])("rejects_while_reasoning refuses %s: %j where the model reasons %s", (_, init, reasons, expected) => {
    expect(refusedFields(init, { rejects_while_reasoning: list, reasons })).toEqual(expected);
  });

  test("rejects_while_reasoning and extra_members are no use with names or texts that cannot take effect", () => {
    expect(unusableSettings({ rejects_while_reasoning: "tool_choice,sampling.temprature" })).toHaveLength(1);
    expect(unusableSettings({ rejects_while_reasoning: list })).toEqual([]);
    expect(unusableSettings({ extra_members: "[1]" })).toEqual(["extra_members"]);
    expect(unusableSettings({ extra_members: '{"a":1}' })).toEqual([]);
  });
});

describe("reasons_in_streams_only", () => {
  const settings = { reasons_in_streams_only: true, reasons: "asked" } as const;

  test("reasons_in_streams_only streams a whole answer's request while the model reasons, and only then", () => {
    const asked = encode({ reasoning: { enabled: true } }, targetWith(settings));
    expect(JSON.parse(asked.body)).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    expect(asked.headers).toEqual({ accept: "text/event-stream" });
    expect(bodyOf({}, targetWith(settings))).not.toHaveProperty("stream");
  });

  test("decodeResponse puts a whole answer together from the body of a stream", () => {
    const chunks = [
      { model: "m", choices: [{ index: 0, delta: { reasoning_content: "Hm" } }] },
      { choices: [{ index: 0, delta: { content: "Hi " } }] },
      { choices: [{ index: 0, delta: { content: "there" }, finish_reason: "stop" }] },
      { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } },
    ];
    const body = `: begun\n\n${chunks.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`).join("")}data: [DONE]\n\n`;
    const { candidates, usage } = foldBody(body);
    expect(candidates[0]?.message?.parts.map(({ kind }) => kind.case)).toEqual(["reasoning", "text"]);
    expect(candidates[0]?.message?.parts[1]?.kind.value).toMatchObject({ text: "Hi there" });
    expect(usage).toMatchObject({ inputTokens: 3, outputTokens: 2 });
    const events = openaiChat.decodeResponse(body, targetWith(), countingIds());
    expect(events.filter(({ event }) => event.case === "blockDelta")).toEqual([]);
    expect(() => foldBody(body.slice(0, 120))).toThrow("Cannot");
  });
});

describe("history", () => {
  const turns = [...hello, from(Role.ASSISTANT, reasoning("Hm"), text("Hi")), from(Role.USER, text("More"))];

  test("reasoning_history sends earlier reasoning as parts of the content", () => {
    expect(wireMessages(turns, { reasoning_history: "thinking_parts" })[1]).toEqual({
      role: "assistant",
      content: [
        { type: "thinking", thinking: [{ type: "text", text: "Hm" }] },
        { type: "text", text: "Hi" },
      ],
    });
  });

  test("reasoning_beside_calls adds an empty text where there is none to send, and says so", () => {
    const messages = [...hello, from(Role.ASSISTANT, call("c1")), from(Role.TOOL, result("c1"))];
    const settings = {
      reasoning_history: "reasoning_content",
      reasoning_beside_calls: true,
      reasons: "default",
      reasoning_request: "thinking",
    };
    expect(wireMessages(messages, settings)[1]).toHaveProperty("reasoning_content", "");
    expect(encode({ messages }, targetWith(settings)).adaptations).toHaveLength(1);
    expect(wireMessages(messages, settings, { reasoning: { enabled: false } })[1]).not.toHaveProperty(
      "reasoning_content",
    );
    expect(wireMessages(turns, settings)[1]).toHaveProperty("reasoning_content", "Hm");
  });

  test("nine_char_call_ids renames what does not fit, the same in call and result, and keeps what does", () => {
    const messages = [
      ...hello,
      from(Role.ASSISTANT, call("call_abc"), call("AbCdEf123")),
      from(Role.TOOL, result("call_abc"), result("AbCdEf123")),
    ];
    const wire = wireMessages(messages, { nine_char_call_ids: true });
    const ids = (wire[1]!["tool_calls"] as { id: string }[]).map(({ id }) => id);
    expect(ids).toEqual(["call00000", "AbCdEf123"]);
    expect(wire.slice(2).map((message) => message["tool_call_id"])).toEqual(ids);
  });

  test("user_after_tool puts a message of the assistant between, also before media of results", () => {
    const image = media(Modality.IMAGE, { case: "url", value: "https://a/b.png" });
    const roles = (messages: Messages, settings: Settings) => wireMessages(messages, settings).map((m) => m["role"]);
    const asked = [from(Role.ASSISTANT, call("c1")), from(Role.TOOL, result("c1")), from(Role.USER, text("So?"))];
    const seen = [from(Role.ASSISTANT, call("c1")), from(Role.TOOL, result("c1", [image]))];
    const settings = { user_after_tool: false };
    expect(roles(asked, settings)).toEqual(["assistant", "tool", "assistant", "user"]);
    expect(roles(seen, settings)).toEqual(["assistant", "tool", "assistant", "user"]);
    expect(roles(asked, {})).toEqual(["assistant", "tool", "user"]);
    expect(roles(seen, { ...settings, tool_result_parts: "any" })).toEqual(["assistant", "tool"]);
  });

  test("late_system_role tells instructions apart from those at the beginning", () => {
    const messages = [
      from(Role.SYSTEM, text("A")),
      from(Role.DEVELOPER, text("B")),
      ...hello,
      from(Role.ASSISTANT, text("Hi")),
      from(Role.SYSTEM, text("C")),
    ];
    const target = targetWith({ late_system_role: "user", developer_role: "developer" });
    const { body, adaptations } = encode({ messages }, target);
    const sent = (JSON.parse(body) as { messages: { role: string; content: string }[] }).messages;
    expect(sent.map(({ role }) => role)).toEqual(["system", "developer", "user", "assistant", "user"]);
    expect(sent[4]?.content).toBe("C");
    expect(adaptations.map(({ field }) => field)).toEqual(["messages[4].role"]);
  });

  test("refusal_history sends a refusal as text and says so", () => {
    const refusal = { kind: { case: "refusal", value: { text: "No" } } } as const;
    const messages = [...hello, from(Role.ASSISTANT, refusal), ...hello];
    expect(wireMessages(messages, {})[1]).toEqual({ role: "assistant", content: null, refusal: "No" });
    const { body, adaptations } = encode({ messages }, targetWith({ refusal_history: "text" }));
    expect(JSON.parse(body)).toHaveProperty("messages[1]", { role: "assistant", content: "No" });
    expect(adaptations.map(({ field }) => field)).toEqual(["messages[1].parts[0]"]);
  });

  test("prefill marks the message to continue as partial", () => {
    const messages = [...hello, { ...from(Role.ASSISTANT, text("1, 2")), prefill: true }];
    expect(wireMessages(messages, { prefill: "partial" })[1]).toEqual({
      role: "assistant",
      content: "1, 2",
      partial: true,
    });
  });
});

describe("media and marks", () => {
  const pdf = { case: "url", value: "https://a/b.pdf" };
  const says = (part: Parts[number]) => ({ messages: [from(Role.USER, part)] });
  const content = (part: Parts[number], settings: Settings) => {
    const [wire] = wireMessages(says(part).messages, settings);
    return (wire!["content"] as unknown[])[0];
  };

  test("document_part and audio_part choose the shape of documents and sounds", () => {
    const document = media(Modality.DOCUMENT, pdf, { filename: "b.pdf" });
    expect(refusedFields(says(document), {})).toEqual(["messages[0].parts[0].media.url"]);
    expect(content(document, { document_part: "document_url" })).toEqual({
      type: "document_url",
      document_url: "https://a/b.pdf",
      document_name: "b.pdf",
    });
    expect(content(document, { document_part: "file_or_url" })).toEqual({
      type: "file",
      file: { filename: "b.pdf", file_data: "https://a/b.pdf" },
    });
    const stored = media(Modality.DOCUMENT, { case: "file", value: { id: "f1" } });
    expect(content(stored, { document_part: "document_url" })).toEqual({ type: "file", file_id: "f1" });
    const sound = media(Modality.AUDIO, inline);
    expect(content(sound, { audio_part: "data" })).toEqual({ type: "input_audio", input_audio: "AQID" });
  });

  test("a quirk may refuse addresses of media, and details and names are then left out with a word", () => {
    const image = media(Modality.IMAGE, { case: "url", value: "https://a" }, { detail: "low" });
    expect(refusedFields(says(image), {}, ["messages.parts.media.url"])).toEqual(["messages[0].parts[0].media.url"]);
    const target = targetWith({}, {}, ["messages.parts.media.detail", "messages.name"]);
    const { body, adaptations } = encode({ messages: [{ ...from(Role.USER, image), name: "Ann" }] }, target);
    expect(body).not.toMatch(/"detail"|"name"/);
    expect(adaptations.map(({ field }) => field)).toEqual(["messages[0].parts[0].media.detail", "messages[0].name"]);
  });

  test("cache_mark marks parts and tools with a control of five minutes or an hour", () => {
    const marked = { ...text("long"), cacheBreakpoint: { ttlSeconds: 1000 } };
    const init: RequestInit = { ...says(marked), tools: [{ ...tool("f"), cacheBreakpoint: {} }] };
    const settings = { cache_breakpoints: true, cache_mark: "cache_control" };
    const { body, adaptations } = encode(init, targetWith(settings));
    expect(JSON.parse(body)).toMatchObject({
      messages: [{ content: [{ type: "text", text: "long", cache_control: { type: "ephemeral", ttl: "1h" } }] }],
      tools: [{ type: "function", function: { name: "f" }, cache_control: { type: "ephemeral" } }],
    });
    expect(adaptations.map(({ field }) => field)).toEqual(["messages[0].parts[0].cache_breakpoint.ttl_seconds"]);
  });

  test("cache_mark marks calls as well, and a mark that has no place there is told of", () => {
    const callWithMark = { ...call("call_1"), cacheBreakpoint: {} };
    const init: RequestInit = { messages: [{ role: Role.ASSISTANT, parts: [callWithMark] }] };
    const marked = encode(init, targetWith({ cache_breakpoints: true, cache_mark: "cache_control" }));
    expect(JSON.parse(marked.body)).toMatchObject({
      messages: [{ tool_calls: [{ id: "call_1", cache_control: { type: "ephemeral" } }] }],
    });
    expect(marked.adaptations).toEqual([]);
    const plain = encode(init, targetWith({}));
    expect(plain.body).not.toContain("cache_control");
    expect(plain.adaptations.map(({ field }) => field)).toEqual(["messages[0].parts[0].cache_breakpoint"]);
  });

  test("cache_mark marks content only, for five minutes, where it is ephemeral", () => {
    const marked = { ...text("long"), cacheBreakpoint: { ttlSeconds: 3600 } };
    const init: RequestInit = { ...says(marked), tools: [{ ...tool("f"), cacheBreakpoint: {} }] };
    const { body, adaptations } = encode(init, targetWith({ cache_breakpoints: true, cache_mark: "ephemeral" }));
    expect(JSON.parse(body)).toMatchObject({
      messages: [{ content: [{ type: "text", text: "long", cache_control: { type: "ephemeral" } }] }],
      tools: [{ type: "function", function: { name: "f" } }],
    });
    expect(body.match(/cache_control/g)).toHaveLength(1);
    expect(adaptations.map(({ field }) => field)).toEqual([
      "messages[0].parts[0].cache_breakpoint.ttl_seconds",
      "tools[0].cache_breakpoint",
    ]);
  });

  test("seed_field names the seed, which random_seed takes from 0 on", () => {
    const seeded = (seed: bigint) => encode({ sampling: { seed } }, targetWith({ seed_field: "random_seed" }));
    expect(JSON.parse(seeded(7n).body)).toMatchObject({ random_seed: 7 });
    expect(seeded(-1n).body).not.toContain("seed");
    expect(seeded(-1n).adaptations.map(({ field }) => field)).toEqual(["sampling.seed"]);
  });

  test("extra_members go out unless the caller's own fields say otherwise", () => {
    const target = targetWith({ extra_members: '{"reasoning_format":"parsed"}' });
    expect(bodyOf({}, target)).toMatchObject({ reasoning_format: "parsed" });
    const rawParams = [{ dialect: "openai-chat", json: '{"reasoning_format":"raw"}' }];
    expect(bodyOf({ rawParams }, target)).toMatchObject({ reasoning_format: "raw" });
  });
});

test("decodeUsage counts sounds that the prompt leaves out, and the newest name of cached tokens", () => {
  const answer = (usage: object) => ({
    choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
    usage,
  });
  const apart = { prompt_tokens: 11, completion_tokens: 15, total_tokens: 401 };
  expect(
    foldBody(answer({ ...apart, prompt_tokens_details: { audio_tokens: 375, cached_tokens: 9 } })).usage,
  ).toMatchObject({ inputTokens: 377, cacheReadTokens: 9, outputTokens: 15, balanced: true });
  const cached = { prompt_tokens: 175, completion_tokens: 39, total_tokens: 214, num_cached_tokens: 174 };
  expect(foldBody(answer(cached)).usage).toMatchObject({ inputTokens: 1, cacheReadTokens: 174, balanced: true });
});
