import { describe, expect, test } from "vitest";
import { Effort, Executor, Modality, Role, Support, ToolMode } from "../../contract/index.ts";
import {
  assistant,
  encode,
  foreign,
  image,
  requestOf,
  result,
  system,
  text,
  tool,
  tools,
  unsupportedFields,
  user,
  type MessageInit,
  type PartInit,
  type RequestInit,
} from "./request.fixture.ts";
import { geminiGenerate } from "./index.ts";
import { reasonThrown, targetWith } from "./target.fixture.ts";

const media = (value: object): PartInit => ({ kind: { case: "media", value: value as never } });
const opaque = (origin: object): PartInit => ({
  kind: { case: "opaque", value: { origin, nativeType: "x", json: "{}" } },
});
const webSearch = (value: object = {}) => ({ kind: { case: "webSearch", value } }) as const;
const output = (format: object, more: object = {}): RequestInit => ({ output: { format: format as never, ...more } });
const json = { case: "jsonObject", value: {} };

describe("unsupported names what the wire lacks", () => {
  test.each<[string, RequestInit, string[]]>([
    ["nothing of a plain request", {}, []],
    [
      "sampling",
      { sampling: { minP: 0.1, repetitionPenalty: 2, logitBias: { 1: 1 } } },
      ["sampling.min_p", "sampling.repetition_penalty", "sampling.logit_bias"],
    ],
    ["too many stops", { sampling: { stop: ["a", "b", "c", "d", "e", "f"] } }, ["sampling.stop"]],
    ["a grammar", output({ case: "grammar", value: { syntax: "lark", definition: "x" } }), ["output.grammar"]],
    ["modalities", { output: { modalities: [Modality.TEXT, Modality.VIDEO] } }, ["output.modalities[1]"]],
    [
      "voices and formats",
      { output: { audio: { voiceId: "v", format: "mp3" } } },
      ["output.audio.voice_id", "output.audio.format"],
    ],
    ["free-text tools", { tools: [{ kind: { case: "custom", value: { name: "c" } } }] }, ["tools[0].custom"]],
    [
      "names",
      { tools: [tool("1a"), tool("-b"), tool("_c.d:e-f")] },
      ["tools[0].function.name", "tools[1].function.name"],
    ],
    [
      "others' tools",
      { tools: [{ kind: { case: "native", value: { dialect: "openai-chat", type: "x", definitionJson: "{}" } } }] },
      ["tools[0].native"],
    ],
    [
      "how to search",
      {
        tools: [
          webSearch({ allowedDomains: ["a"], blockedDomains: ["b"], maxUses: 1, contextSize: "low", userLocation: {} }),
        ],
      },
      ["allowed_domains", "blocked_domains", "max_uses", "context_size", "user_location"].map(
        (name) => `tools[0].web_search.${name}`,
      ),
    ],
    ["one call at a time", { tools: [tool("a")], toolChoice: { parallel: false } }, ["tool_choice.parallel"]],
    ["a demanded search", { tools: [webSearch()], toolChoice: { mode: ToolMode.REQUIRED } }, ["tool_choice.mode"]],
    [
      "citations of documents",
      {
        messages: [
          user(media({ modality: Modality.DOCUMENT, citationsEnabled: true, source: { case: "text", value: "x" } })),
        ],
      },
      ["messages[0].parts[0].media.citations_enabled"],
    ],
    [
      "others' files",
      {
        messages: [
          user(media({ modality: Modality.IMAGE, source: { case: "file", value: { provider: "other", id: "f" } } })),
        ],
      },
      ["messages[0].parts[0].media.file"],
    ],
    [
      "media without a kind",
      { messages: [user(media({ source: { case: "url", value: "https://a" } }))] },
      ["messages[0].parts[0]"],
    ],
    ["images in instructions", { messages: [system(image()), user(text("x"))] }, ["messages[0].parts[0]"]],
    ["others' blocks of users", { messages: [user(opaque(foreign))] }, ["messages[0].parts[0].opaque"]],
    [
      "calls of users",
      { messages: [user({ kind: { case: "toolCall", value: { callId: "a", name: "f" } } })] },
      ["messages[0].parts[0]"],
    ],
    [
      "blocks in results",
      { messages: [tools(result("a", [opaque(foreign)]))] },
      ["messages[0].parts[0].tool_result.content[0]"],
    ],
    ["the caller's results in answers", { messages: [assistant(result("a"))] }, ["messages[0].parts[0]"]],
    ["prefills", { messages: [user(text("x")), { ...assistant(text("y")), prefill: true }] }, ["messages[1].prefill"]],
  ])("unsupported names %s", (_story, init, fields) => {
    expect(unsupportedFields(init)).toEqual(fields);
  });

  test("unsupported lets results of the provider's own tools and foreign blocks of answers be: they are left out", () => {
    const ran: PartInit = { kind: { case: "toolResult", value: { callId: "a", executor: Executor.PROVIDER } } };
    expect(unsupportedFields({ messages: [user(text("x")), assistant(ran, opaque(foreign))] })).toEqual([]);
  });

  test("encode refuses what unsupported names, by kind", () => {
    expect(reasonThrown(() => encode({ sampling: { minP: 0.1 } }))).toBe("UNSUPPORTED_PARAMETER");
    expect(reasonThrown(() => encode(output({ case: "grammar", value: {} })))).toBe("UNSUPPORTED_CAPABILITY");
  });
});

describe("unsupported knows the model", () => {
  const asked: [string, RequestInit, object, string[]][] = [
    [
      "media in results",
      { messages: [tools(result("a", [image()]))] },
      { tool_result_media: false },
      ["messages[0].parts[0].tool_result.content[0].media"],
    ],
    ["JSON beside tools", { ...output(json), tools: [tool("a")] }, { json_with_tools: false }, ["output.json_object"]],
    ["functions beside a search", { tools: [tool("a"), webSearch()] }, { mixed_tools: false }, ["tools"]],
    [
      "strict functions",
      { tools: [tool("a", { strict: true })] },
      { validated_calls: false },
      ["tools[0].function.strict"],
    ],
    [
      "strict functions that would lose a constraint",
      { tools: [tool("a", { strict: true, parametersJson: '{"not":{}}' })] },
      { schema_dialect: "openapi" },
      ["tools[0].function.parameters_json"],
    ],
    ["no reasoning", { reasoning: { enabled: false } }, { thinking_off: false }, ["reasoning.enabled"]],
    ["no effort", { reasoning: { effort: Effort.NONE } }, { thinking_off: false }, ["reasoning.effort"]],
    ["more stops than it takes", { sampling: { stop: ["a", "b"] } }, { max_stops: 1 }, ["sampling.stop"]],
  ];

  test.each(asked)(
    "unsupported names %s where a setting says so, and not otherwise",
    (_story, init, settings, fields) => {
      expect(unsupportedFields(init, targetWith(settings as never))).toEqual(fields);
      expect(unsupportedFields(init)).toEqual([]);
    },
  );

  test("unsupported lets a document's text be in results of any model", () => {
    const document = media({ modality: Modality.DOCUMENT, source: { case: "text", value: "x" } });
    expect(
      unsupportedFields({ messages: [tools(result("a", [document]))] }, targetWith({ tool_result_media: false })),
    ).toEqual([]);
  });

  test("unsupported names what quirks reject", () => {
    const target = targetWith({}, {}, ["messages.parts.media.url", "sampling.seed", "reasoning", "tools.web_search"]);
    const init: RequestInit = {
      messages: [user(image())],
      reasoning: { enabled: true },
      tools: [webSearch()],
      sampling: { seed: 1n },
    };
    expect(unsupportedFields(init, target)).toEqual([
      "tools[0].web_search",
      "reasoning",
      "messages[0].parts[0].media.url",
    ]);
    expect(unsupportedFields({ reasoning: { enabled: false } }, target)).toEqual([]);
    expect(encode({ sampling: { seed: 1n } }, target).adaptations).toMatchObject([
      { field: "sampling.seed", quirkId: "T1" },
    ]);
  });

  test("unsupported names capabilities that the model is known to lack", () => {
    const { REJECTED } = Support;
    const capabilities = {
      tools: REJECTED,
      tool_choice: REJECTED,
      strict_tools: REJECTED,
      image_input: REJECTED,
      json_schema: REJECTED,
      image_output: REJECTED,
      system_messages: REJECTED,
      temperature: REJECTED,
      logprobs: REJECTED,
    } as const;
    const init: RequestInit = {
      messages: [system(text("x")), user(image())],
      tools: [tool("a", { strict: true })],
      toolChoice: { mode: ToolMode.REQUIRED },
      sampling: { temperature: 0.5, topLogprobs: 1 },
      ...output({ case: "jsonSchema", value: { name: "n", schemaJson: "{}" } }, { modalities: [Modality.IMAGE] }),
    };
    expect(unsupportedFields(init, targetWith({}, { capabilities }))).toEqual([
      "tools",
      "tools[0].function.strict",
      "tool_choice",
      "sampling.temperature",
      "sampling.logprobs",
      "sampling.top_logprobs",
      "output.json_schema",
      "output.modalities[0]",
      "messages[0].role",
      "messages[1].parts[0].media",
    ]);
    expect(unsupportedFields({ sampling: { temperature: 1 } }, targetWith({}, { capabilities }))).toEqual([]);
  });

  test("unsupported takes a prefill where the model is known to continue, and only of the last answer", () => {
    const last: MessageInit = { ...assistant(text("y")), prefill: true };
    const able = targetWith({ prefill: true });
    expect(unsupportedFields({ messages: [user(text("x")), last] }, able)).toEqual([]);
    expect(
      unsupportedFields(
        { messages: [user(text("x")), last] },
        targetWith({}, { capabilities: { prefill: Support.NATIVE } }),
      ),
    ).toEqual([]);
    expect(unsupportedFields({ messages: [last, user(text("x"))] }, able)).toEqual(["messages[0].prefill"]);
    expect(unsupportedFields({ messages: [{ role: Role.USER, prefill: true }] }, able)).toEqual([
      "messages[0].prefill",
    ]);
  });

  test("unsupported marks abilities and parameters", () => {
    const marks = geminiGenerate.unsupported(
      requestOf({ sampling: { minP: 1 }, ...output({ case: "grammar", value: {} }) }),
      targetWith(),
    );
    expect(marks.map(({ capability }) => capability)).toEqual([false, true]);
  });
});
