import { describe, expect, test } from "vitest";
import { Effort, Modality, ReasoningVisibility, Support, ToolMode } from "../../contract/index.ts";
import { ParleyError, reasonName } from "../../errors/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { bodyOf, encode, tool, type RequestInit } from "./request.fixture.ts";
import { targetWith } from "./target.fixture.ts";

const plain = { model: "m1", messages: [{ role: "user", content: "Hi" }] };
const wireTool = (name: string) => ({ type: "function", function: { name } });

const table: readonly (readonly [story: string, init: RequestInit, wire: object, target?: DialectTarget])[] = [
  ["nothing but messages", {}, {}],
  [
    "sampling",
    {
      sampling: {
        temperature: 0,
        topP: 0.5,
        frequencyPenalty: 1,
        presencePenalty: -1,
        stop: ["a", "b"],
        candidates: 2,
        logitBias: { "50256": -100 },
        maxOutputTokens: 9,
        topLogprobs: 3,
      },
    },
    {
      temperature: 0,
      top_p: 0.5,
      frequency_penalty: 1,
      presence_penalty: -1,
      stop: ["a", "b"],
      n: 2,
      logit_bias: { "50256": -100 },
      max_tokens: 9,
      logprobs: true,
      top_logprobs: 3,
    },
  ],
  [
    "the output limit in OpenAI's word",
    { sampling: { maxOutputTokens: 9 } },
    { max_completion_tokens: 9 },
    targetWith({ max_tokens_field: "max_completion_tokens" }),
  ],
  [
    "declared extensions",
    { sampling: { topK: 5, minP: 0.1, repetitionPenalty: 1.2 } },
    { top_k: 5, min_p: 0.1, repetition_penalty: 1.2 },
    targetWith(
      {},
      { capabilities: { top_k: Support.NATIVE, min_p: Support.NATIVE, repetition_penalty: Support.NATIVE } },
    ),
  ],
  [
    "neutral values of fields that the wire lacks, which are left out",
    { sampling: { topK: 0, repetitionPenalty: 1 } },
    {},
  ],
  [
    "JSON mode",
    { output: { format: { case: "jsonObject", value: {} } } },
    { response_format: { type: "json_object" } },
  ],
  ["free text", { output: { format: { case: "text", value: {} } } }, { response_format: { type: "text" } }],
  [
    "speech",
    { output: { modalities: [Modality.TEXT, Modality.AUDIO], audio: { voice: "alloy", format: "wav" } } },
    { modalities: ["text", "audio"], audio: { voice: "alloy", format: "wav" } },
  ],
  [
    "a custom voice",
    { output: { audio: { voiceId: "v1", format: "mp3" } } },
    { audio: { voice: { id: "v1" }, format: "mp3" } },
  ],
  ["verbosity", { output: { verbosity: "low" } }, { verbosity: "low" }],
  ["an effort", { reasoning: { effort: Effort.XHIGH } }, { reasoning_effort: "xhigh" }],
  ["reasoning switched off", { reasoning: { enabled: false } }, { reasoning_effort: "none" }],
  [
    "reasoning switched off at a model that has none",
    { reasoning: { enabled: false } },
    {},
    targetWith({}, { capabilities: { reasoning: Support.REJECTED } }),
  ],
  [
    "reasoning as an object",
    { reasoning: { budgetTokens: 2000, visibility: ReasoningVisibility.OMITTED } },
    { reasoning: { max_tokens: 2000, exclude: true } },
    targetWith({ reasoning_request: "object" }),
  ],
  [
    "advisory fields",
    { serviceTier: "flex", endUserId: "u1", store: true, metadata: { a: "b" } },
    { service_tier: "flex", user: "u1", store: true, metadata: { a: "b" } },
  ],
  [
    "advisory fields in OpenAI's words",
    { endUserId: "u1", caching: { key: "k", ttlSeconds: 86_400 } },
    { safety_identifier: "u1", store: false, prompt_cache_key: "k", prompt_cache_retention: "24h" },
    targetWith({ end_user_field: "safety_identifier", store_false: true, cache_key: true, cache_ttl: "retention" }),
  ],
  [
    "a cache lifetime as an option",
    { caching: { ttlSeconds: 1800 } },
    { prompt_cache_options: { ttl: "30m" } },
    targetWith({ cache_ttl: "options" }),
  ],
  [
    "a prediction",
    { prediction: [{ kind: { case: "text", value: { text: "Hello" } } }] },
    { prediction: { type: "content", content: "Hello" } },
  ],
  [
    "tools and what is chosen of them",
    { tools: [tool("f")], toolChoice: { mode: ToolMode.REQUIRED, parallel: false } },
    { tools: [wireTool("f")], tool_choice: "required", parallel_tool_calls: false },
  ],
  ["no tools to choose from", { toolChoice: { mode: ToolMode.AUTO, parallel: true } }, {}],
  [
    "one named tool",
    { tools: [tool("f"), tool("g")], toolChoice: { mode: ToolMode.REQUIRED, names: ["g"] } },
    { tools: [wireTool("f"), wireTool("g")], tool_choice: { type: "function", function: { name: "g" } } },
  ],
  [
    "some allowed tools",
    { tools: [tool("f"), tool("g"), tool("h")], toolChoice: { mode: ToolMode.AUTO, names: ["f", "h"] } },
    {
      tools: [wireTool("f"), wireTool("g"), wireTool("h")],
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: {
          mode: "auto",
          tools: [
            { type: "function", function: { name: "f" } },
            { type: "function", function: { name: "h" } },
          ],
        },
      },
    },
    targetWith({ allowed_tools: true }),
  ],
  [
    "some allowed tools where the provider has no word for that",
    { tools: [tool("f"), tool("g")], toolChoice: { mode: ToolMode.REQUIRED, names: ["f", "f"] } },
    { tools: [wireTool("f")], tool_choice: "required" },
  ],
  [
    "free-text tools with a grammar",
    {
      tools: [
        { kind: { case: "custom", value: { name: "sh", grammar: { syntax: "lark", definition: "x" } } } },
        { kind: { case: "custom", value: { name: "py", description: "runs" } } },
      ],
      toolChoice: { mode: ToolMode.REQUIRED, names: ["sh"] },
    },
    {
      tools: [
        {
          type: "custom",
          custom: { name: "sh", format: { type: "grammar", grammar: { syntax: "lark", definition: "x" } } },
        },
        { type: "custom", custom: { name: "py", description: "runs" } },
      ],
      tool_choice: { type: "custom", custom: { name: "sh" } },
    },
  ],
  [
    "search in the web",
    { tools: [{ kind: { case: "webSearch", value: { contextSize: "low", userLocation: { country: "DE" } } } }] },
    {
      web_search_options: {
        search_context_size: "low",
        user_location: { type: "approximate", approximate: { country: "DE" } },
      },
    },
    targetWith({ web_search: true }),
  ],
  [
    "a tool in the dialect's own words",
    {
      tools: [
        { kind: { case: "native", value: { dialect: "openai-chat", type: "x", definitionJson: '{"type":"x"}' } } },
      ],
    },
    { tools: [{ type: "x" }] },
  ],
];

describe("encode", () => {
  test.for(table)("encode writes %s", ([, init, wire, target]) => {
    expect(bodyOf(init, target)).toEqual({ ...plain, ...wire });
  });

  test("encode asks for usage in streams unless the provider rejects that", () => {
    expect(bodyOf({}, targetWith(), true)).toEqual({ ...plain, stream: true, stream_options: { include_usage: true } });
    expect(bodyOf({}, targetWith({ stream_usage: false }), true)).toEqual({ ...plain, stream: true });
    expect(encode({}, targetWith(), true).headers).toEqual({ accept: "text/event-stream" });
    expect(encode({}).path).toBe("/chat/completions");
  });

  test("encode keeps the text of schemas, parameters and seeds: key order and big integers", () => {
    const schema = '{"zeta":{"maximum":9007199254740993},"10":{},"alpha":1.0}';
    const { body } = encode({
      tools: [{ kind: { case: "function", value: { name: "f", parametersJson: schema, strict: true } } }],
      output: { format: { case: "jsonSchema", value: { name: "s", schemaJson: schema, strict: false } } },
      sampling: { seed: 9007199254740993n },
    });
    expect(body).toContain(`"parameters":${schema},"strict":true`);
    expect(body).toContain(`"schema":${schema},"strict":false`);
    expect(body).toContain('"seed":9007199254740993');
  });

  test.each<[string, RequestInit]>([
    [
      "tools[0].function.parameters_json",
      { tools: [{ kind: { case: "function", value: { name: "f", parametersJson: '{},"x":{}' } } }] },
    ],
    [
      "output.json_schema.schema_json",
      { output: { format: { case: "jsonSchema", value: { name: "s", schemaJson: "[]" } } } },
    ],
    ["tool_choice.names[1]", { tools: [tool("f")], toolChoice: { mode: ToolMode.AUTO, names: ["f", "g"] } }],
  ])("encode refuses a broken %s", (field, init) => {
    expect(() => encode(init)).toThrow(expect.objectContaining({ field, reason: 1 }));
  });

  test("encode throws what unsupported finds, with its field", () => {
    const refuse = (init: RequestInit) => {
      try {
        encode(init);
      } catch (error) {
        return error instanceof ParleyError ? [reasonName(error.reason), error.field] : error;
      }
      return undefined;
    };
    expect(refuse({ sampling: { topK: 5 } })).toEqual(["UNSUPPORTED_PARAMETER", "sampling.top_k"]);
    expect(refuse({ output: { format: { case: "grammar", value: { syntax: "lark", definition: "x" } } } })).toEqual([
      "UNSUPPORTED_CAPABILITY",
      "output.grammar",
    ]);
  });
});
