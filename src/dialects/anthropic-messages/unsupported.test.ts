import { describe, expect, test } from "vitest";
import { Effort, Modality, Role, Support, ToolMode } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { anthropicMessages } from "./index.ts";
import { hello, refusedFields, requestOf, say, tool, type RequestInit } from "./request.fixture.ts";
import { targetWith } from "./target.fixture.ts";

const part = (kind: object, role: Role = Role.USER): RequestInit =>
  ({ messages: [{ role, parts: [{ kind }] }] }) as RequestInit;
const media = (value: object, role?: Role): RequestInit => part({ case: "media", value }, role);
const strict = (parametersJson: string): RequestInit => ({
  tools: [{ kind: { case: "function", value: { name: "f", strict: true, parametersJson } } }],
});
const format = (schemaJson: string, isStrict?: boolean): RequestInit => ({
  output: {
    format: {
      case: "jsonSchema",
      value: { name: "n", schemaJson, ...(isStrict === undefined ? {} : { strict: isStrict }) },
    },
  },
});
const structured = targetWith({ output_format: true, strict_tools: true });
const prefill: RequestInit = { messages: [...hello, { ...say(Role.ASSISTANT, "a"), prefill: true }] };
const path = "messages[0].parts[0]";

const rows: readonly (readonly [story: string, init: RequestInit, fields: string[], target?: DialectTarget])[] = [
  ["nothing of a plain request", {}, []],
  [
    "every parameter that the wire lacks",
    {
      sampling: {
        minP: 0.1,
        frequencyPenalty: 1,
        presencePenalty: 1,
        repetitionPenalty: 2,
        candidates: 2,
        logitBias: { 1: 1 },
        logprobs: true,
        topLogprobs: 1,
      },
    },
    [
      "min_p",
      "frequency_penalty",
      "presence_penalty",
      "repetition_penalty",
      "candidates",
      "logit_bias",
      "logprobs",
      "top_logprobs",
    ].map((name) => `sampling.${name}`),
  ],
  [
    "no neutral value",
    {
      sampling: {
        minP: 0,
        frequencyPenalty: 0,
        repetitionPenalty: 1,
        candidates: 1,
        logprobs: false,
        topLogprobs: 0,
        topK: 0,
      },
    },
    [],
  ],
  ["a temperature beyond its range", { sampling: { temperature: 1.5 } }, ["sampling.temperature"]],
  [
    "sampling that is locked",
    { sampling: { temperature: 0, topP: 0.5, topK: 1 } },
    ["sampling.temperature", "sampling.top_p", "sampling.top_k"],
    targetWith({ sampling: "default" }),
  ],
  [
    "sampling beside reasoning",
    { sampling: { temperature: 0, topP: 0.5, topK: 1 }, reasoning: { enabled: true } },
    ["sampling.temperature", "sampling.top_p", "sampling.top_k"],
  ],
  ["no top_p that reasoning allows", { sampling: { topP: 0.96 }, reasoning: { enabled: true } }, []],
  [
    "both where one is allowed",
    { sampling: { temperature: 0, topP: 0.5 } },
    ["sampling.top_p"],
    targetWith({ sampling: "one_of" }),
  ],
  ["a blank stop sequence", { sampling: { stop: ["a", "\n"] } }, ["sampling.stop"]],
  [
    "an address of media that a quirk rejects",
    {
      messages: [
        {
          role: Role.USER,
          parts: [
            {
              kind: {
                case: "media",
                value: { modality: Modality.IMAGE, source: { case: "url", value: "https://example.com/a.png" } },
              },
            },
          ],
        },
      ],
    },
    ["messages[0].parts[0].media.url"],
    targetWith({}, {}, ["messages.parts.media.url"]),
  ],
  ["what a quirk rejects", { sampling: { stop: ["a"] } }, ["sampling.stop"], targetWith({}, {}, ["sampling.stop"])],
  [
    "a missing capability",
    { tools: [tool("f")] },
    ["tools"],
    targetWith({}, { capabilities: { tools: Support.REJECTED } }),
  ],
  ["a tool of free text", { tools: [{ kind: { case: "custom", value: { name: "c" } } }] }, ["tools[0].custom"]],
  ["a name with a dot", { tools: [tool("a.b")] }, ["tools[0].function.name"]],
  [
    "a search where there is none",
    { tools: [{ kind: { case: "webSearch", value: { contextSize: "low" } } }] },
    ["tools[0].web_search", "tools[0].web_search.context_size"],
  ],
  [
    "allowed beside blocked domains",
    { tools: [{ kind: { case: "webSearch", value: { allowedDomains: ["a"], blockedDomains: ["b"] } } }] },
    ["tools[0].web_search.blocked_domains"],
    targetWith({ web_search_tool: "w" }),
  ],
  [
    "another provider's tool",
    { tools: [{ kind: { case: "native", value: { dialect: "openai-chat", type: "x", definitionJson: "{}" } } }] },
    ["tools[0].native"],
  ],
  ["strict arguments where they are not kept", strict('{"type":"object"}'), ["tools[0].function.strict"]],
  [
    "strict arguments beyond the subset",
    strict('{"type":"object","properties":{"a":{"minimum":1}}}'),
    ["tools[0].function.parameters_json.properties.a.minimum"],
    structured,
  ],
  [
    "a demanded call beside reasoning",
    { tools: [tool("f")], toolChoice: { mode: ToolMode.REQUIRED }, reasoning: { enabled: true } },
    ["tool_choice.mode"],
  ],
  ["any JSON", { output: { format: { case: "jsonObject", value: {} } } }, ["output.json_object"]],
  [
    "a grammar",
    { output: { format: { case: "grammar", value: { syntax: "lark", definition: "x" } } } },
    ["output.grammar"],
  ],
  ["a schema where none is kept", format("{}"), ["output.json_schema"]],
  [
    "a strict schema beyond the subset",
    format('{"type":"object","additionalProperties":true}', true),
    ["output.json_schema.schema_json.additionalProperties"],
    structured,
  ],
  ["no lenient schema beyond the subset", format('{"type":"object","additionalProperties":true}'), [], structured],
  ["no strict schema that only describes beyond it", format('{"$schema":"x","type":"object"}', true), [], structured],
  [
    "spoken answers",
    { output: { modalities: [Modality.TEXT, Modality.AUDIO], audio: {} } },
    ["output.modalities[1]", "output.audio"],
  ],
  [
    "reasoning where there is none",
    { reasoning: { effort: Effort.LOW } },
    ["reasoning"],
    targetWith({ thinking: "none" }),
  ],
  [
    "no missing reasoning that is off",
    { reasoning: { enabled: false } },
    [],
    targetWith({}, { capabilities: { reasoning: Support.REJECTED } }),
  ],
  [
    "what cannot be switched off",
    { reasoning: { enabled: false } },
    ["reasoning.enabled"],
    targetWith({ thinking_off: "never" }),
  ],
  [
    "reasoning without room",
    { reasoning: { enabled: true }, sampling: { maxOutputTokens: 1024 } },
    ["sampling.max_output_tokens"],
  ],
  [
    "no adaptive reasoning without room",
    { reasoning: { enabled: true }, sampling: { maxOutputTokens: 10 } },
    [],
    targetWith({ thinking: "adaptive" }),
  ],
  ["sound", media({ modality: Modality.AUDIO, source: { case: "url", value: "u" } }), [`${path}.media`]],
  [
    "a text as an image",
    media({ modality: Modality.IMAGE, source: { case: "text", value: "u" } }),
    [`${path}.media.text`],
  ],
  [
    "documents of other types",
    media({ modality: Modality.DOCUMENT, mimeType: "text/csv", source: { case: "inline", value: new Uint8Array() } }),
    [`${path}.media.mime_type`],
  ],
  [
    "another provider's file",
    media({ modality: Modality.IMAGE, source: { case: "file", value: { provider: "x", id: "i" } } }),
    [`${path}.media.file`],
  ],
  [
    "images where none are seen",
    media({ modality: Modality.IMAGE, source: { case: "url", value: "u" } }),
    [`${path}.media`],
    targetWith({}, { capabilities: { image_input: Support.REJECTED } }),
  ],
  [
    "no text document where none are read",
    media({ modality: Modality.DOCUMENT, source: { case: "text", value: "t" } }),
    [],
    targetWith({}, { capabilities: { document_input: Support.REJECTED } }),
  ],
  [
    "media of the assistant",
    media({ modality: Modality.IMAGE, source: { case: "url", value: "u" } }, Role.ASSISTANT),
    [path],
  ],
  [
    "media of a system message",
    media({ modality: Modality.IMAGE, source: { case: "url", value: "u" } }, Role.SYSTEM),
    [path],
  ],
  [
    "sound in a result",
    part(
      {
        case: "toolResult",
        value: { callId: "c", content: [{ kind: { case: "media", value: { modality: Modality.AUDIO } } }] },
      },
      Role.TOOL,
    ),
    [`${path}.tool_result.content[0].media`],
  ],
  [
    "a call in a result",
    part(
      { case: "toolResult", value: { callId: "c", content: [{ kind: { case: "toolCall", value: { callId: "d" } } }] } },
      Role.TOOL,
    ),
    [`${path}.tool_result.content[0]`],
  ],
  [
    "media in a passage",
    part({ case: "searchResult", value: { content: [{ kind: { case: "media", value: {} } }] } }),
    [`${path}.search_result.content[0]`],
  ],
  [
    "another provider's block",
    part({ case: "opaque", value: { origin: { provider: "x", dialect: "anthropic-messages" }, json: "{}" } }),
    [`${path}.opaque`],
  ],
  [
    "no block in the provider's words",
    part({ case: "opaque", value: { origin: { dialect: "anthropic-messages" }, json: "{}" } }),
    [],
  ],
  ["a message to go on with where it cannot", prefill, ["messages[1].prefill"], targetWith({ prefill: false })],
  ["a message to go on with beside reasoning", { ...prefill, reasoning: { enabled: true } }, ["messages[1].prefill"]],
  [
    "a message to go on with that is not the last",
    { messages: [{ ...say(Role.ASSISTANT, "a"), prefill: true }, ...hello] },
    ["messages[0].prefill"],
  ],
  ["no message to go on with", prefill, []],
];

describe("unsupported", () => {
  test.for(rows)("unsupported finds %s", ([, init, fields, target]) => {
    expect(refusedFields(init, target)).toEqual(fields);
  });

  test("unsupported tells abilities from parameters", () => {
    const request = requestOf({ sampling: { candidates: 2 }, output: { format: { case: "jsonObject", value: {} } } });
    expect(anthropicMessages.unsupported(request, targetWith()).map(({ capability }) => capability)).toEqual([
      false,
      true,
    ]);
  });

  test("unsupported with require_parameters finds every advisory field that would be adapted", () => {
    const init: RequestInit = { sampling: { seed: 1n }, routing: { constraints: { requireParameters: true } } };
    expect(refusedFields(init)).toEqual(["sampling.seed"]);
    expect(refusedFields({ ...init, sampling: {} })).toEqual([]);
    const unknown = { ...targetWith(), facts: { capabilities: {}, quirks: [] } };
    expect(refusedFields({ ...init, sampling: {} }, unknown)).toEqual([]);
  });
});
