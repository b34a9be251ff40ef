import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, Role, SamplingSchema, textPart } from "../../contract/index.ts";
import { USER, decode, decoded, json } from "./decode.fixture.ts";
import { openAiSpec, propertiesOf } from "./openai-spec.ts";

describe("decodeRequest: parameters", () => {
  // Written out by hand: a new field of the contract breaks this test until it is there.
  test("makes the messages of the contract that the library makes", () => {
    const parts = [textPart("hi")];
    const sampling = create(SamplingSchema, { temperature: 1 });
    expect(decode({ model: "m", messages: [USER], temperature: 1 }).request).toStrictEqual(
      create(ChatRequestSchema, { model: "m", messages: [{ role: Role.USER, parts }], sampling }),
    );
  });

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
    [{ thinking: { type: "disabled" } }, { enabled: false }],
    [{ thinking: { type: "enabled", budget_tokens: 1024 } }, { enabled: true, budget_tokens: 1024 }],
    [
      { enable_thinking: true, thinking_budget: 9, reasoning: { enabled: true } },
      { enabled: true, budget_tokens: 9 },
    ],
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
      '{"model":"m","messages":[{"role":"user","content":"x"}],"guided":{"b":1,"10":9007199254740993},"top_a":0.50}';
    expect(json(decode(body).request)["raw_params"]).toEqual([
      { dialect: "openai-chat", json: '{"guided":{"b":1,"10":9007199254740993},"top_a":0.50}' },
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
