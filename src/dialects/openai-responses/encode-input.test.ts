import { describe, expect, test } from "vitest";
import { Executor, Modality, Role, TextPhase } from "../../contract/index.ts";
import {
  adaptationsOf,
  assistant,
  bodyOf,
  call,
  encode,
  foreign,
  image,
  inputOf,
  mine,
  result,
  state,
  text,
  tools,
  user,
  type PartInit,
} from "./request.fixture.ts";
import { targetWith } from "./target.fixture.ts";

describe("encodeInput", () => {
  test("encodeInput keeps every instruction in its place and role", () => {
    expect(
      inputOf([
        { role: Role.SYSTEM, parts: [text("a"), text("b")] },
        user(text("u")),
        { role: Role.SYSTEM, parts: [text("later")] },
        { role: Role.DEVELOPER, parts: [text("d")] },
      ]),
    ).toEqual([
      {
        role: "system",
        content: [
          { type: "input_text", text: "a" },
          { type: "input_text", text: "b" },
        ],
      },
      { role: "user", content: "u" },
      { role: "system", content: "later" },
      { role: "developer", content: "d" },
    ]);
  });

  test("encodeInput tells where a role is not the one asked for", () => {
    const target = targetWith({ developer_role: "system" });
    const messages = [{ role: Role.DEVELOPER, parts: [text("d")] }];
    expect(inputOf(messages, target)).toEqual([{ role: "system", content: "d" }]);
    expect(encode({ messages }, target).adaptations).toMatchObject([
      { field: "messages[0].role", appliedJson: '"system"', quirkId: "T1" },
    ]);
  });

  test("encodeInput keeps the order of results and texts within one message", () => {
    expect(inputOf([user(text("before"), result("c1", [text("r")]), text("after"), image())])).toEqual([
      { role: "user", content: "before" },
      { type: "function_call_output", call_id: "c1", output: "r" },
      {
        role: "user",
        content: [
          { type: "input_text", text: "after" },
          { type: "input_image", image_url: "https://a/b.png" },
        ],
      },
    ]);
  });

  test("encodeInput writes media from all sources", () => {
    const media = (value: object): PartInit => ({ kind: { case: "media", value } as never });
    const bytes = new Uint8Array([1, 2, 3]);
    const content = [
      media({
        modality: Modality.IMAGE,
        mimeType: "image/png",
        source: { case: "inline", value: bytes },
        detail: "low",
      }),
      media({ modality: Modality.IMAGE, source: { case: "file", value: { id: "file-1" } } }),
      media({ modality: Modality.DOCUMENT, source: { case: "url", value: "https://a/b.pdf" }, filename: "b.pdf" }),
      media({ modality: Modality.DOCUMENT, mimeType: "application/pdf", source: { case: "inline", value: bytes } }),
      media({ modality: Modality.DOCUMENT, source: { case: "file", value: { provider: "house", id: "file-2" } } }),
      media({ modality: Modality.DOCUMENT, title: "T", source: { case: "text", value: "words" } }),
      media({ modality: Modality.AUDIO, mimeType: "audio/mpeg", source: { case: "inline", value: bytes } }),
    ];
    expect(inputOf([user(...content)], targetWith({ audio_input: true }))).toEqual([
      {
        role: "user",
        content: [
          { type: "input_image", image_url: "data:image/png;base64,AQID", detail: "low" },
          { type: "input_image", file_id: "file-1" },
          { type: "input_file", file_url: "https://a/b.pdf", filename: "b.pdf" },
          { type: "input_file", filename: "document", file_data: "data:application/pdf;base64,AQID" },
          { type: "input_file", file_id: "file-2" },
          { type: "input_text", text: "T\n\nwords" },
          { type: "input_audio", input_audio: { data: "AQID", format: "mp3" } },
        ],
      },
    ]);
  });

  test("encodeInput writes images in results, and says in words that a tool failed", () => {
    const messages = [
      assistant(call("c1")),
      tools(result("c1", [image(), text("gone")], true), result("c2", [], true)),
    ];
    expect(inputOf(messages)).toEqual([
      { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
      {
        type: "function_call_output",
        call_id: "c1",
        output: [
          { type: "input_image", image_url: "https://a/b.png" },
          { type: "input_text", text: "Error: gone" },
        ],
      },
      { type: "function_call_output", call_id: "c2", output: "Error" },
    ]);
    expect(adaptationsOf({ messages })).toEqual([
      "messages[1].parts[0].tool_result.is_error: the wire format has no mark for failed tools; the text says so (in 2 places, of which this is the first)",
    ]);
  });

  test("encodeInput shapes a result as the call that it answers", () => {
    const custom: PartInit = {
      kind: { case: "toolCall", value: { callId: "c1", name: "sql", input: { case: "text", value: "SELECT 1" } } },
    };
    expect(inputOf([assistant(custom), tools(result("c1", [text("1")]))])).toEqual([
      { type: "custom_tool_call", call_id: "c1", name: "sql", input: "SELECT 1" },
      { type: "custom_tool_call_output", call_id: "c1", output: "1" },
    ]);
  });

  test("encodeInput renames ids of calls that are too long, the same everywhere", () => {
    const messages = [assistant(call("x".repeat(65))), tools(result("x".repeat(65), []))];
    expect(inputOf(messages, targetWith({ max_call_id_chars: 64 }))).toMatchObject([
      { call_id: "renamed_call_0" },
      { call_id: "renamed_call_0" },
    ]);
  });

  test("encodeInput writes arguments and unknown blocks character by character", () => {
    const json = '{"type":"item_reference", "id":"msg_1", "n":9007199254740993}';
    const block: PartInit = {
      kind: { case: "opaque", value: { origin: mine, nativeType: "item_reference", json } },
    };
    const { body } = encode({ messages: [assistant(call("c1", "f", '{"b":1.0, "a":2}')), user(text("x"), block)] });
    expect(body).toContain(JSON.stringify('{"b":1.0, "a":2}'));
    expect(body).toContain(json);
  });

  test("encodeInput leaves out names, which the wire format lacks, and says so", () => {
    expect(adaptationsOf({ messages: [{ ...user(text("x")), name: "ann" }] })).toEqual([
      "messages[0].name: the wire format has no names of participants",
    ]);
  });

  test("encodeInput marks what to cache where the provider takes marks", () => {
    const marked = { ...text("long"), cacheBreakpoint: { ttlSeconds: 3600 } };
    const target = targetWith({ cache_breakpoints: true });
    expect(inputOf([user(marked)], target)).toEqual([
      {
        role: "user",
        content: [{ type: "input_text", text: "long", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } }],
      },
    ]);
    expect(adaptationsOf({ messages: [user(marked)] }, target)).toEqual([
      "messages[0].parts[0].cache_breakpoint.ttl_seconds: the provider keeps caches for fixed times; this one is nearest",
    ]);
    expect(adaptationsOf({ messages: [assistant({ ...call("c1"), cacheBreakpoint: {} })] }, target)).toEqual([
      "messages[0].parts[0].cache_breakpoint: the wire format has cache marks on content only",
    ]);
    expect(adaptationsOf({ messages: [user(marked)] })).toEqual([
      "messages[0].parts[0].cache_breakpoint: the provider is not known to take cache marks in this wire format",
    ]);
  });
});

describe("AssistantItems", () => {
  test("AssistantItems keeps the order of texts and calls, and the phase of each text", () => {
    const phased = (value: string, phase: TextPhase): PartInit => ({
      kind: { case: "text", value: { text: value, phase } },
    });
    const messages = [
      assistant(
        phased("thinking aloud", TextPhase.COMMENTARY),
        call("c1"),
        phased("done", TextPhase.FINAL_ANSWER),
        phased("really", TextPhase.FINAL_ANSWER),
        { kind: { case: "refusal", value: { text: "no" } } },
      ),
    ];
    expect(inputOf(messages)).toEqual([
      { role: "assistant", content: "thinking aloud", phase: "commentary" },
      { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
      {
        role: "assistant",
        content: [
          { type: "output_text", text: "done" },
          { type: "output_text", text: "really" },
          { type: "refusal", refusal: "no" },
        ],
        phase: "final_answer",
      },
    ]);
  });

  test("AssistantItems keeps pieces of different items apart, and joins those of one", () => {
    const piece = (id: string, value: string): PartInit => ({ ...text(value), id });
    expect(inputOf([assistant(piece("msg_1", "a"), piece("msg_1", "b"), piece("msg_2", "c"))])).toEqual([
      {
        role: "assistant",
        content: [
          { type: "output_text", text: "a" },
          { type: "output_text", text: "b" },
        ],
      },
      { role: "assistant", content: "c" },
    ]);
  });

  test("AssistantItems gives members that the contract lacks back to their model", () => {
    const own = { ...call("c1"), state: state("item_members", '{"namespace":"tools"}') };
    expect(inputOf([assistant(own)])).toMatchObject([{ type: "function_call", namespace: "tools" }]);
    const others = { ...call("c1"), state: state("item_members", '{"namespace":"tools"}', foreign) };
    expect(inputOf([assistant(others)])).toEqual([
      { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
    ]);
    expect(adaptationsOf({ messages: [assistant(others)] })).toEqual([
      "messages[0].parts[0].state: STATE_NOT_PORTABLE: state of other/g1 is not sent to house/m1",
    ]);
  });

  test("AssistantItems gives what the provider ran back to its model, without an id it would look for", () => {
    const ran = (nativeType: string, item: string, origin = mine): PartInit => ({
      kind: { case: "toolCall", value: { callId: "x", name: "t", executor: Executor.PROVIDER, nativeType } },
      state: state("item", item, origin),
    });
    const search = '{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search"}}';
    const code = '{"type":"code_interpreter_call","id":"ci_1","code":"1","container_id":"c"}';
    const answer: PartInit = {
      kind: { case: "toolResult", value: { callId: "x", executor: Executor.PROVIDER, content: [text("1")] } },
    };
    expect(inputOf([assistant(ran("web_search_call", search), answer, ran("code_interpreter_call", code))])).toEqual([
      { type: "web_search_call", status: "completed", action: { type: "search" } },
      { type: "code_interpreter_call", id: "ci_1", code: "1", container_id: "c" },
    ]);
    const strangers = [assistant(ran("web_search_call", search, foreign), answer, text("so"))];
    expect(inputOf(strangers)).toEqual([{ role: "assistant", content: "so" }]);
    expect(adaptationsOf({ messages: strangers })).toHaveLength(3);
  });

  test("AssistantItems sends a generated picture back to its model", () => {
    const item = '{"type":"image_generation_call","id":"ig_1","status":"generating","revised_prompt":"a cat"}';
    const drawn: PartInit = {
      id: "ig_1",
      kind: {
        case: "toolCall",
        value: {
          callId: "ig_1",
          name: "image_generation",
          executor: Executor.PROVIDER,
          nativeType: "image_generation_call",
        },
      },
      state: state("item", item),
    };
    const picture: PartInit = {
      id: "ig_1",
      kind: {
        case: "media",
        value: {
          modality: Modality.IMAGE,
          mimeType: "image/png",
          generatedId: "ig_1",
          source: { case: "inline", value: new Uint8Array([1, 2, 3]) },
        },
      },
      state: state("item", '{"type":"image_generation_call","id":"ig_1"}'),
    };
    expect(inputOf([assistant(drawn, picture)])).toEqual([
      { type: "image_generation_call", id: "ig_1", status: "completed", revised_prompt: "a cat", result: "AQID" },
    ]);
    const strange = { ...picture, state: state("item", "{}", foreign) };
    expect(inputOf([assistant(text("see"), strange)])).toEqual([{ role: "assistant", content: "see" }]);
  });

  test("AssistantItems rebuilds a call that the caller answers, where its state was lost", () => {
    const screen: PartInit = {
      kind: {
        case: "toolCall",
        value: {
          callId: "c1",
          name: "computer",
          nativeType: "computer_call",
          input: { case: "argumentsJson", value: '{"type":"click"}' },
        },
      },
    };
    const shot = result("c1", [image("https://a/shot.png")]);
    expect(inputOf([assistant(screen), tools(shot)])).toEqual([
      { type: "computer_call", call_id: "c1", action: { type: "click" }, status: "completed" },
      {
        type: "computer_call_output",
        call_id: "c1",
        output: { type: "computer_screenshot", image_url: "https://a/shot.png" },
      },
    ]);
  });

  test.each([
    ["local_shell_call", { type: "local_shell_call_output", id: "c1", output: "out" }],
    [
      "shell_call",
      {
        type: "shell_call_output",
        call_id: "c1",
        output: [{ stdout: "out", stderr: "", outcome: { type: "exit", exit_code: 0 } }],
      },
    ],
    ["apply_patch_call", { type: "apply_patch_call_output", call_id: "c1", status: "completed", output: "out" }],
  ])("encodeResult answers a %s in its own shape", (nativeType, expected) => {
    const made: PartInit = { kind: { case: "toolCall", value: { callId: "c1", name: "t", nativeType } } };
    expect((inputOf([assistant(made), tools(result("c1", [text("out")]))]) as unknown[])[1]).toEqual(expected);
  });

  test("AssistantItems keeps opaque blocks for their model, also those that stand in a message", () => {
    const block = (nativeType: string, json: string, origin = mine): PartInit => ({
      kind: { case: "opaque", value: { origin, nativeType, json } },
    });
    const messages = [
      assistant(
        block("compaction", '{"type":"compaction","id":"cmp_1","encrypted_content":"gAAA"}'),
        block("output_hologram", '{"type":"output_hologram"}'),
        block("output_image", '{"type":"output_image"}'),
        block("compaction", '{"type":"compaction"}', foreign),
      ),
    ];
    expect(inputOf(messages)).toEqual([
      { type: "compaction", encrypted_content: "gAAA" },
      { type: "output_hologram" },
      { role: "assistant", content: [{ type: "output_image" }] },
    ]);
    expect(adaptationsOf({ messages })).toEqual([
      "messages[0].parts[3]: STATE_NOT_PORTABLE: a block of other/g1 is not sent to house/m1",
    ]);
  });

  test("AssistantItems writes an empty turn, which some conversations have", () => {
    expect(bodyOf({ messages: [assistant(), { role: Role.USER }] })["input"]).toEqual([
      { role: "assistant", content: "" },
      { role: "user", content: "" },
    ]);
  });
});
