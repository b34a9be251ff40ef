import { toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, type ChatRequest } from "../../contract/index.ts";
import { decodeRequest } from "./decode-request.ts";
import { openAiSpec, propertiesOf } from "./openai-spec.ts";

const USER = { role: "user", content: "hi" };

function decode(body: object | string): ReturnType<typeof decodeRequest> {
  return decodeRequest(Buffer.from(typeof body === "string" ? body : JSON.stringify(body)), { maxDepth: 32 });
}

/** The decoded request as the contract's JSON, without the model. */
function decoded(fields: object): Record<string, unknown> {
  return json(decode({ model: "m", messages: [USER], ...fields }).request);
}

function json(request: ChatRequest): Record<string, unknown> {
  const { model: _model, ...others } = toJson(ChatRequestSchema, request, { useProtoFieldName: true }) as Record<
    string,
    unknown
  >;
  return others;
}

/** The decoded messages as the contract's JSON. */
function messages(...list: object[]): unknown {
  return decoded({ messages: list })["messages"];
}

const PNG = "iVBORw0KGgo=";

describe("decodeRequest: messages", () => {
  test("decodes the plain roles in their order, with names", () => {
    expect(
      messages(
        { role: "system", content: "S" },
        { role: "developer", content: [{ type: "text", text: "D" }] },
        { role: "user", content: "U", name: "ada" },
        { role: "assistant", content: "A" },
        { role: "system", content: "again" },
      ),
    ).toEqual([
      { role: "ROLE_SYSTEM", parts: [{ text: { text: "S" } }] },
      { role: "ROLE_DEVELOPER", parts: [{ text: { text: "D" } }] },
      { role: "ROLE_USER", parts: [{ text: { text: "U" } }], name: "ada" },
      { role: "ROLE_ASSISTANT", parts: [{ text: { text: "A" } }] },
      { role: "ROLE_SYSTEM", parts: [{ text: { text: "again" } }] },
    ]);
  });

  test("decodes every kind of user content", () => {
    const content = [
      { type: "text", text: "look" },
      { type: "image_url", image_url: { url: "https://e.example/a.png", detail: "low" } },
      { type: "image_url", image_url: { url: `data:image/PNG;base64,${PNG}` } },
      { type: "input_audio", input_audio: { data: "AAEC", format: "mp3" } },
      { type: "input_audio", input_audio: { data: "AAEC", format: "wav" } },
      { type: "file", file: { file_id: "file-1" } },
      { type: "file", file: { file_data: "data:application/pdf;base64,AAEC", filename: "a.pdf" } },
      { type: "file", file: { file_data: "AAEC", filename: "a.bin" } },
      { type: "video_url", video_url: { url: "https://e.example/a.mp4" } },
    ];
    expect(messages({ role: "user", content })).toEqual([
      {
        role: "ROLE_USER",
        parts: [
          { text: { text: "look" } },
          { media: { modality: "MODALITY_IMAGE", url: "https://e.example/a.png", detail: "low" } },
          { media: { modality: "MODALITY_IMAGE", mime_type: "image/png", inline: PNG } },
          { media: { modality: "MODALITY_AUDIO", mime_type: "audio/mpeg", inline: "AAEC" } },
          { media: { modality: "MODALITY_AUDIO", mime_type: "audio/wav", inline: "AAEC" } },
          { media: { modality: "MODALITY_DOCUMENT", file: { id: "file-1" } } },
          { media: { modality: "MODALITY_DOCUMENT", mime_type: "application/pdf", inline: "AAEC", filename: "a.pdf" } },
          {
            media: {
              modality: "MODALITY_DOCUMENT",
              mime_type: "application/octet-stream",
              inline: "AAEC",
              filename: "a.bin",
            },
          },
          { media: { modality: "MODALITY_VIDEO", url: "https://e.example/a.mp4" } },
        ],
      },
    ]);
  });

  test("decodes cache marks on parts, messages and tools", () => {
    const mark = { type: "ephemeral", ttl: "1h" };
    const request = decoded({
      messages: [
        { role: "system", content: [{ type: "text", text: "S", cache_control: { type: "ephemeral" } }] },
        { role: "user", content: "U", cache_control: { type: "ephemeral", ttl: "5m" } },
        { role: "user", content: [{ type: "text", text: "V", prompt_cache_breakpoint: { mode: "explicit" } }] },
        { role: "tool", tool_call_id: "c", content: "R", cache_control: mark },
      ],
      tools: [{ type: "function", function: { name: "f" }, cache_control: mark }],
    });
    expect(request["messages"]).toEqual([
      { role: "ROLE_SYSTEM", parts: [{ text: { text: "S" }, cache_breakpoint: {} }] },
      { role: "ROLE_USER", parts: [{ text: { text: "U" }, cache_breakpoint: { ttl_seconds: 300 } }] },
      { role: "ROLE_USER", parts: [{ text: { text: "V" }, cache_breakpoint: {} }] },
      {
        role: "ROLE_TOOL",
        parts: [
          {
            tool_result: { call_id: "c", content: [{ text: { text: "R" } }] },
            cache_breakpoint: { ttl_seconds: 3600 },
          },
        ],
      },
    ]);
    expect(request["tools"]).toEqual([{ function: { name: "f" }, cache_breakpoint: { ttl_seconds: 3600 } }]);
  });

  test("decodes an assistant's calls, refusal, spoken answer and prefill", () => {
    expect(
      messages(
        {
          role: "assistant",
          content: null,
          tool_calls: [
            {
              id: "c1",
              type: "function",
              index: 0,
              function: { name: "f", arguments: '{"a":', parsed_arguments: null },
            },
            { id: "c2", type: "custom", custom: { name: "g", input: "free text" } },
          ],
          annotations: [],
          parsed: null,
          function_call: null,
        },
        {
          role: "tool",
          tool_call_id: "c1",
          content: [
            { type: "text", text: "one" },
            { type: "image_url", image_url: { url: "https://e.example/x" } },
          ],
        },
        { role: "assistant", content: [{ type: "refusal", refusal: "no" }], refusal: null },
        { role: "assistant", refusal: "never", audio: { id: "audio_1", data: "AAEC", expires_at: 1, transcript: "x" } },
        { role: "assistant", content: "The answer is", prefix: true },
      ),
    ).toEqual([
      {
        role: "ROLE_ASSISTANT",
        parts: [
          { tool_call: { call_id: "c1", name: "f", arguments_json: '{"a":', arguments_invalid: true } },
          { tool_call: { call_id: "c2", name: "g", text: "free text" } },
        ],
      },
      {
        role: "ROLE_TOOL",
        parts: [
          {
            tool_result: {
              call_id: "c1",
              content: [
                { text: { text: "one" } },
                { media: { modality: "MODALITY_IMAGE", url: "https://e.example/x" } },
              ],
            },
          },
        ],
      },
      { role: "ROLE_ASSISTANT", parts: [{ refusal: { text: "no" } }] },
      {
        role: "ROLE_ASSISTANT",
        parts: [
          { refusal: { text: "never" } },
          { media: { modality: "MODALITY_AUDIO", file: { id: "audio_1" }, generated_id: "audio_1" } },
        ],
      },
      { role: "ROLE_ASSISTANT", parts: [{ text: { text: "The answer is" } }], prefill: true },
    ]);
  });

  test("gives the calls of the deprecated function_call ids, and their results the same ones", () => {
    const { request, legacyFunctions } = decode({
      model: "m",
      functions: [{ name: "f", parameters: { type: "object" } }],
      function_call: { name: "f" },
      messages: [
        { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } },
        { role: "function", name: "f", content: "one" },
        { role: "assistant", function_call: { name: "f", arguments: "{}" } },
        { role: "function", name: "f", content: null },
      ],
    });
    const ids = request.messages.map(({ parts: [part] }) =>
      part?.kind.case === "toolCall" || part?.kind.case === "toolResult" ? part.kind.value.callId : undefined,
    );
    expect(ids).toEqual(["call_legacy_0", "call_legacy_0", "call_legacy_1", "call_legacy_1"]);
    expect(legacyFunctions).toBe(true);
    expect(json(request)["tool_choice"]).toEqual({ mode: "TOOL_MODE_REQUIRED", names: ["f"] });
    expect(json(request)["tools"]).toEqual([{ function: { name: "f", parameters_json: '{"type":"object"}' } }]);
  });

  test("decodes reasoning that comes back as text", () => {
    const reasoning = { text: ["because"], visibility: "REASONING_VISIBILITY_FULL" };
    for (const fields of [
      { reasoning_content: "because" },
      { reasoning: "because" },
      { reasoning_content: "because", reasoning_details: [] },
    ]) {
      expect(messages({ role: "assistant", content: "A", ...fields })).toEqual([
        { role: "ROLE_ASSISTANT", parts: [{ reasoning }, { text: { text: "A" } }] },
      ]);
    }
  });

  test("decodes another gateway's reasoning_details: fragments join, ids group, state goes to its call", () => {
    const [message] = messages({
      role: "assistant",
      reasoning: "ignored beside the details",
      reasoning_details: [
        { type: "reasoning.text", text: "one ", index: 0, format: "anthropic-claude-v1" },
        { type: "reasoning.text", text: "thought", index: 0, signature: "sig", format: "anthropic-claude-v1" },
        { type: "reasoning.summary", summary: "sum", id: "rs_1", index: 1 },
        { type: "reasoning.encrypted", data: "enc", id: "rs_1", index: 2, format: "openai-responses-v1" },
        { type: "reasoning.encrypted", data: "thought signature", id: "c1", format: "google-gemini-v1" },
      ],
      tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
    }) as { parts: unknown[] }[];
    expect(message?.parts).toEqual([
      {
        reasoning: { text: ["one thought"], visibility: "REASONING_VISIBILITY_FULL" },
        state: [{ format: "anthropic-claude-v1", text: "sig" }],
      },
      {
        id: "rs_1",
        reasoning: { summary: ["sum"], visibility: "REASONING_VISIBILITY_SUMMARY" },
        state: [{ format: "openai-responses-v1", text: "enc" }],
      },
      {
        tool_call: { call_id: "c1", name: "f", arguments_json: "{}" },
        state: [{ format: "google-gemini-v1", text: "thought signature" }],
      },
    ]);
  });

  test("makes no part of empty text", () => {
    expect(messages({ role: "user", content: "" }, { role: "assistant", content: "", tool_calls: [] })).toEqual([
      { role: "ROLE_USER" },
      { role: "ROLE_ASSISTANT" },
    ]);
  });
});

describe("decodeRequest: tools", () => {
  test("decodes functions, custom tools, web search and a provider's own tools", () => {
    const { tools } = decoded({
      tools: [
        { type: "function", function: { name: "f", description: "d", strict: true, parameters: null } },
        {
          type: "custom",
          custom: { name: "g", format: { type: "grammar", grammar: { syntax: "lark", definition: "start: A" } } },
        },
        { type: "custom", custom: { name: "h", description: "d", format: { type: "text" } } },
        { type: "openrouter:datetime", parameters: { zone: "utc" } },
      ],
      web_search_options: {
        search_context_size: "low",
        user_location: { type: "approximate", approximate: { country: "DE", city: "Berlin", timezone: null } },
      },
    });
    expect(tools).toEqual([
      { function: { name: "f", description: "d", strict: true } },
      { custom: { name: "g", grammar: { syntax: "lark", definition: "start: A" } } },
      { custom: { name: "h", description: "d" } },
      {
        native: {
          dialect: "openai-chat",
          type: "openrouter:datetime",
          definition_json: '{"type":"openrouter:datetime","parameters":{"zone":"utc"}}',
        },
      },
      { web_search: { context_size: "low", user_location: { country: "DE", city: "Berlin" } } },
    ]);
  });

  test("keeps schemas character for character", () => {
    const schema = '{"zeta":{"maximum":9007199254740993}, "10":{"const":1.0},"type":"object"}';
    const { request } = decode(
      `{"model":"m","messages":[{"role":"user","content":"x"}],
        "tools":[{"type":"function","function":{"name":"f","parameters":${schema}}}],
        "response_format":{"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":${schema}}}}`,
    );
    expect(request.tools[0]?.kind.value).toMatchObject({ parametersJson: schema });
    expect(request.output?.format.value).toMatchObject({ schemaJson: schema, strict: true });
  });

  test.each([
    ["none", { mode: "TOOL_MODE_NONE" }],
    ["auto", { mode: "TOOL_MODE_AUTO" }],
    ["required", { mode: "TOOL_MODE_REQUIRED" }],
    [
      { type: "function", function: { name: "f" } },
      { mode: "TOOL_MODE_REQUIRED", names: ["f"] },
    ],
    [
      { type: "custom", custom: { name: "g" } },
      { mode: "TOOL_MODE_REQUIRED", names: ["g"] },
    ],
    [
      {
        type: "allowed_tools",
        allowed_tools: { mode: "auto", tools: [{ type: "function", function: { name: "f" } }] },
      },
      { mode: "TOOL_MODE_AUTO", names: ["f"] },
    ],
  ])("decodes tool_choice %j", (choice, expected) => {
    expect(decoded({ tool_choice: choice, parallel_tool_calls: false })["tool_choice"]).toEqual({
      ...expected,
      parallel: false,
    });
  });
});

describe("decodeRequest: parameters", () => {
  test("decodes sampling", () => {
    const { sampling } = decoded({
      temperature: 0,
      top_p: 0.5,
      top_k: 3,
      min_p: 0.1,
      frequency_penalty: -1,
      presence_penalty: 1,
      repetition_penalty: 1.1,
      seed: -5,
      stop: "END",
      n: 2,
      logit_bias: { "50256": -100 },
      max_tokens: 9,
      max_completion_tokens: 9,
      logprobs: true,
      top_logprobs: 4,
    });
    expect(sampling).toEqual({
      temperature: 0,
      top_p: 0.5,
      top_k: 3,
      min_p: 0.1,
      frequency_penalty: -1,
      presence_penalty: 1,
      repetition_penalty: 1.1,
      seed: "-5",
      stop: ["END"],
      candidates: 2,
      logit_bias: { "50256": -100 },
      max_output_tokens: 9,
      logprobs: true,
      top_logprobs: 4,
    });
  });

  test("keeps a seed that needs more than 53 bits", () => {
    const { request } = decode('{"model":"m","messages":[{"role":"user","content":"x"}],"seed":9223372036854775807}');
    expect(request.sampling?.seed).toBe(9_223_372_036_854_775_807n);
  });

  test("decodes the shape of the answer", () => {
    expect(
      decoded({
        response_format: { type: "json_object" },
        verbosity: "low",
        modalities: ["text", "audio"],
        audio: { voice: "alloy", format: "wav" },
        prediction: { type: "content", content: "likely" },
      }),
    ).toMatchObject({
      output: {
        json_object: {},
        verbosity: "low",
        modalities: ["MODALITY_TEXT", "MODALITY_AUDIO"],
        audio: { voice: "alloy", format: "wav" },
      },
      prediction: [{ text: { text: "likely" } }],
    });
    expect(decoded({ audio: { voice: { id: "voice_1" }, format: "mp3" } })["output"]).toEqual({
      audio: { voice_id: "voice_1", format: "mp3" },
    });
    const grammar = { syntax: "lark", definition: "start: A" };
    expect(decoded({ response_format: { type: "grammar", grammar } })["output"]).toEqual({ grammar });
    expect(decoded({ response_format: { type: "text" } })["output"]).toEqual({ text: {} });
  });

  test.each([
    [{ reasoning_effort: "xhigh" }, { effort: "EFFORT_XHIGH" }],
    [{ reasoning: { effort: "none" } }, { effort: "EFFORT_NONE" }],
    [{ reasoning: { max_tokens: 2000, enabled: true } }, { budget_tokens: 2000, enabled: true }],
    [{ reasoning: { exclude: true } }, { visibility: "REASONING_VISIBILITY_OMITTED" }],
    [{ include_reasoning: false }, { visibility: "REASONING_VISIBILITY_OMITTED" }],
  ])("decodes how to reason: %j", (fields, expected) => {
    expect(decoded(fields)["reasoning"]).toEqual(expected);
  });

  test.each([
    [
      { prompt_cache_key: "k", prompt_cache_retention: "24h" },
      { key: "k", ttl_seconds: 86_400 },
    ],
    [{ prompt_cache_retention: "in_memory" }, { ttl_seconds: 3600 }],
    [{ prompt_cache_options: { ttl: "30m" } }, { ttl_seconds: 1800 }],
    [{ cache_control: { type: "ephemeral", ttl: "5m" } }, { ttl_seconds: 300 }],
  ])("decodes what to cache: %j", (fields, expected) => {
    expect(decoded(fields)["caching"]).toEqual(expected);
    expect(decoded(fields)["raw_params"]).toBeUndefined();
  });

  test("decodes the rest", () => {
    expect(decoded({ user: "u", metadata: { a: "b" }, store: true, service_tier: "flex" })).toMatchObject({
      end_user_id: "u",
      metadata: { a: "b" },
      store: true,
      service_tier: "flex",
    });
    expect(decoded({ safety_identifier: "s", user: "s" })["end_user_id"]).toBe("s");
  });

  test("takes null for absent, everywhere", () => {
    const fields = [
      "tools",
      "tool_choice",
      "functions",
      "function_call",
      "response_format",
      "audio",
      "prediction",
      "metadata",
      "stop",
      "seed",
      "n",
      "temperature",
      "logit_bias",
      "max_tokens",
      "stream",
      "stream_options",
      "user",
      "store",
      "reasoning",
      "reasoning_effort",
      "modalities",
      "web_search_options",
      "models",
      "provider",
      "parley",
      "top_a",
    ];
    const request = decoded(Object.fromEntries(fields.map((name) => [name, null])));
    expect(request).toEqual(decoded({}));
  });

  test("sends unknown fields on as raw_params, character for character", () => {
    const body =
      '{"model":"m","messages":[{"role":"user","content":"x"}],"thinking":{"b":1,"10":9007199254740993},"top_a":0.50}';
    expect(json(decode(body).request)["raw_params"]).toEqual([
      { dialect: "openai-chat", json: '{"thinking":{"b":1,"10":9007199254740993},"top_a":0.50}' },
    ]);
    expect(decoded({ prompt_cache_options: { mode: "explicit", ttl: "30m" } })["raw_params"]).toEqual([
      { dialect: "openai-chat", json: '{"prompt_cache_options":{"mode":"explicit","ttl":"30m"}}' },
    ]);
  });

  test("asks for usage in a stream only where told to", () => {
    const stream = { model: "m", messages: [USER], stream: true };
    expect(decode({ model: "m", messages: [USER] })).toMatchObject({ stream: false, includeUsage: false });
    expect(decode(stream)).toMatchObject({ stream: true, includeUsage: false });
    const options = { include_usage: true, include_obfuscation: true };
    expect(decode({ ...stream, stream_options: options })).toMatchObject({ stream: true, includeUsage: true });
  });

  test.skipIf(!openAiSpec)("knows every field of OpenAI's schema; only these leave as raw_params", () => {
    const schemas = openAiSpec?.schemas ?? {};
    const names = propertiesOf(schemas["CreateChatCompletionRequest"], schemas);
    expect(names.length).toBeGreaterThan(35);
    const unknown = names.filter((name) => {
      try {
        return (
          decode({ model: "m", messages: [USER], [name]: name === "messages" ? [USER] : {} }).request.rawParams.length >
          0
        );
      } catch {
        return false; // a known field of another type
      }
    });
    expect(unknown).toEqual(["moderation"]);
  });
});

describe("decodeRequest: extensions", () => {
  test("takes fallbacks from models, with the first for the model where none is named", () => {
    const { request } = decode({ models: ["a/b", "c/d"], messages: [USER] });
    expect([request.model, request.routing?.fallbackModels]).toEqual(["a/b", ["c/d"]]);
    expect(decoded({ models: ["m", "c/d"] })["routing"]).toEqual({ fallback_models: ["c/d"] });
    expect(decoded({ models: ["c/d"] })["routing"]).toEqual({ fallback_models: ["c/d"] });
  });

  test("decodes provider as OpenRouter has it", () => {
    const provider = {
      order: ["a", "b"],
      only: ["a", "b", "c"],
      ignore: ["d"],
      allow_fallbacks: false,
      require_parameters: true,
      data_collection: "deny",
      zdr: true,
      max_price: { prompt: 0.1, completion: "2.5" },
      sort: "price",
    };
    expect(decoded({ provider })["routing"]).toEqual({
      provider_order: ["a", "b"],
      allow_fallbacks: false,
      rank_by: "RANK_BY_PRICE",
      constraints: {
        allow_providers: ["a", "b", "c"],
        deny_providers: ["d"],
        zero_retention: true,
        no_training: true,
        require_parameters: true,
        max_input_nano_usd_per_million_tokens: "100000000",
        max_output_nano_usd_per_million_tokens: "2500000000",
      },
    });
    expect(decoded({ provider: { sort: { by: "latency" } } })["routing"]).toEqual({ rank_by: "RANK_BY_LATENCY" });
    const loose = { data_collection: "allow", zdr: false, require_parameters: false };
    expect(decoded({ provider: loose })["routing"]).toBeUndefined();
  });

  test("decodes parley", () => {
    const parley = {
      constraints: {
        regions: ["eu"],
        allow_providers: ["a"],
        deny_providers: ["b"],
        zero_retention: true,
        no_training: false,
        required_capabilities: ["tools"],
        require_parameters: true,
        max_input_nano_usd_per_million_tokens: 5,
        max_output_nano_usd_per_million_tokens: "6",
      },
      delivery: "auto",
      on_disconnect: "finish",
      tags: { team: "x" },
      max_attempts: 2,
      raw_params: { house: { beam: 2 } },
    };
    expect(decoded({ parley })).toMatchObject({
      routing: {
        max_attempts: 2,
        constraints: {
          regions: ["eu"],
          allow_providers: ["a"],
          deny_providers: ["b"],
          zero_retention: true,
          no_training: false,
          required_capabilities: ["tools"],
          require_parameters: true,
          max_input_nano_usd_per_million_tokens: "5",
          max_output_nano_usd_per_million_tokens: "6",
        },
      },
      delivery: "DELIVERY_AUTO",
      on_disconnect: "ON_DISCONNECT_FINISH",
      tags: { team: "x" },
      raw_params: [{ provider: "house", json: '{"beam":2}' }],
    });
  });
});
