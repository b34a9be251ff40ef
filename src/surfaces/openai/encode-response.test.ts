import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  Executor,
  FinishReason,
  Modality,
  OffsetUnit,
  PartSchema,
  ReasoningVisibility,
  Role,
  UsageSchema,
  UsageSource,
  fold,
  reasoningPart,
  refusalPart,
  textPart,
  toolCallPart,
  type Part,
  type Usage,
} from "../../contract/index.ts";
import { decodeRequest } from "./decode-request.ts";
import { encodeResponse } from "./encode-response.ts";
import { encodeUsage } from "./encode-usage.ts";
import { openAiSpec } from "./openai-spec.ts";
import { wholeEvents, type ScriptedAnswer } from "./test-support.ts";

type Json = Record<string, unknown>;
type Choice = { index: number; message: Json; logprobs: Json | null; finish_reason: string };

function encode(candidates: readonly ScriptedAnswer[], legacyFunctions = false): Json & { choices: Choice[] } {
  const encoded = encodeResponse(fold(wholeEvents("req_1", candidates)), { legacyFunctions, nowSeconds: 1 });
  // What leaves is text: undefined members and the like are judged as they arrive.
  const sent = JSON.parse(JSON.stringify(encoded)) as Json & { choices: Choice[] };
  expect(openAiSpec?.check("CreateChatCompletionResponse", sent) ?? []).toEqual([]);
  return sent;
}

function messageOf(...parts: Part[]): Json {
  return encode([{ parts }]).choices[0]!.message;
}

const call = toolCallPart("c1", "f", '{"a": 1}');
const customCall = create(PartSchema, {
  kind: { case: "toolCall", value: { callId: "c2", name: "g", input: { case: "text", value: "free" } } },
});

describe("encodeResponse", () => {
  test("writes a whole answer with what the gateway knows of it", () => {
    expect(encode([{ parts: [textPart("Hel"), textPart("lo")] }])).toEqual({
      id: "req_1",
      object: "chat.completion",
      created: 1_790_000_000,
      model: "house/qwen/qwen3",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hello", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: {
        prompt_tokens: 15,
        completion_tokens: 10,
        total_tokens: 25,
        prompt_tokens_details: { cached_tokens: 5 },
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      service_tier: "default",
      system_fingerprint: "fp_1",
      parley: {
        request_id: "req_1",
        provider: "house",
        model: "qwen/qwen3",
        region: "eu",
        served_model: "qwen3-2026",
        attempts: [{ number: 1, provider: "house", model: "qwen/qwen3", region: "eu", duration_ms: 12 }],
        adaptations: [{ field: "sampling.seed", requested_json: "7", reason: "the provider has no seed" }],
        cost_usd: "0.00123",
        price_version: "config",
        finish: [{ index: 0, reason: "stop", native: "stop" }],
        usage: {
          source: "reported",
          balanced: true,
          input_tokens: 10,
          cache_read_tokens: 5,
          output_tokens: 7,
          reasoning_tokens: 3,
        },
        upstream_id: "up_1",
        service_tier: "default",
      },
    });
  });

  test("says null for content only where something else stands in its place", () => {
    expect(messageOf()).toEqual({ role: "assistant", content: "", refusal: null });
    expect(messageOf(textPart(""))).toMatchObject({ content: "" });
    expect(messageOf(call)).toMatchObject({ content: null });
    expect(messageOf(textPart("so"), call)).toMatchObject({ content: "so" });
    expect(messageOf(refusalPart("no"))).toMatchObject({ content: null, refusal: "no" });
  });

  test("shows the caller's calls, of functions and of custom tools, and never the provider's own", () => {
    const own = create(PartSchema, {
      kind: { case: "toolCall", value: { callId: "p", name: "web_search", executor: Executor.PROVIDER } },
    });
    const result = create(PartSchema, {
      kind: { case: "toolResult", value: { callId: "p", executor: Executor.PROVIDER, nativeJson: "{}" } },
    });
    const { message, finish_reason } = encode([
      { parts: [own, result, call, customCall], finish: FinishReason.TOOL_CALLS },
    ]).choices[0]!;
    expect(finish_reason).toBe("tool_calls");
    expect(message["tool_calls"]).toEqual([
      { id: "c1", type: "function", function: { name: "f", arguments: '{"a": 1}' } },
      { id: "c2", type: "custom", custom: { name: "g", input: "free" } },
    ]);
    expect(JSON.stringify(message)).not.toContain("web_search");
  });

  test("answers a request with functions in the deprecated shape", () => {
    const legacy = encode([{ parts: [call], finish: FinishReason.TOOL_CALLS }], true).choices[0]!;
    expect(legacy.finish_reason).toBe("function_call");
    expect(legacy.message).toMatchObject({ content: null, function_call: { name: "f", arguments: '{"a": 1}' } });
    expect(legacy.message).not.toHaveProperty("tool_calls");
    const two = encode([{ parts: [call, toolCallPart("c3", "g", "{}")], finish: FinishReason.TOOL_CALLS }], true)
      .choices[0]!;
    expect(two.message["tool_calls"]).toHaveLength(2);
  });

  test("writes several answers by their index", () => {
    const { choices } = encode([
      { parts: [textPart("a")] },
      { parts: [textPart("b")], finish: FinishReason.MAX_TOKENS, native: "length" },
    ]);
    expect(choices.map(({ index, message, finish_reason }) => [index, message["content"], finish_reason])).toEqual([
      [0, "a", "stop"],
      [1, "b", "length"],
    ]);
  });

  test("counts citations in characters of the joined content, whatever the provider counts", () => {
    const cited = (unit: OffsetUnit, start: number, end: number): Part =>
      create(PartSchema, {
        kind: {
          case: "text",
          value: {
            text: "né 😀 x",
            citations: [
              { url: "https://e.example", title: "E", outputStart: start, outputEnd: end, offsetUnit: unit },
              { title: "no address" },
            ],
          },
        },
      });
    for (const part of [
      cited(OffsetUnit.UTF8_BYTES, 4, 8),
      cited(OffsetUnit.UTF16, 3, 5),
      cited(OffsetUnit.CODE_POINTS, 3, 4),
    ]) {
      expect(messageOf(textPart("😀."), part)["annotations"]).toEqual([
        { type: "url_citation", url_citation: { url: "https://e.example", title: "E", start_index: 5, end_index: 6 } },
      ]);
    }
  });

  test("writes sound and images", () => {
    const audio = create(PartSchema, {
      kind: {
        case: "media",
        value: {
          modality: Modality.AUDIO,
          source: { case: "inline", value: new Uint8Array([0, 1, 2]) },
          transcript: "hi",
          generatedId: "audio_1",
          expiresAt: { seconds: 1_790_000_100n, nanos: 0 },
        },
      },
    });
    const image = create(PartSchema, {
      kind: {
        case: "media",
        value: {
          modality: Modality.IMAGE,
          mimeType: "image/webp",
          source: { case: "inline", value: new Uint8Array([0, 1, 2]) },
        },
      },
    });
    expect(messageOf(audio, image)).toEqual({
      role: "assistant",
      content: null,
      refusal: null,
      audio: { id: "audio_1", data: "AAEC", expires_at: 1_790_000_100, transcript: "hi" },
      images: [{ type: "image_url", image_url: { url: "data:image/webp;base64,AAEC" } }],
    });
  });

  test("writes log probabilities, without infinities", () => {
    const token = { token: "a", logprob: -0.5, bytes: new Uint8Array([97]) };
    const part = create(PartSchema, {
      kind: {
        case: "text",
        value: { text: "a", logprobs: [{ ...token, top: [token, { token: "b", logprob: Number.NEGATIVE_INFINITY }] }] },
      },
    });
    expect(encode([{ parts: [part] }]).choices[0]!.logprobs).toEqual({
      content: [
        {
          token: "a",
          logprob: -0.5,
          bytes: [97],
          top_logprobs: [
            { token: "a", logprob: -0.5, bytes: [97] },
            { token: "b", logprob: -9999, bytes: null },
          ],
        },
      ],
      refusal: null,
    });
  });

  test("keeps reasoning apart, with details only where the text alone would lose something", () => {
    expect(messageOf(reasoningPart("hm"), textPart("A"))).toEqual({
      role: "assistant",
      content: "A",
      refusal: null,
      reasoning_content: "hm",
    });
  });

  test("sends reasoning and state such that they come back as the very same parts", () => {
    const origin = { provider: "house", dialect: "openai-chat", model: "qwen/qwen3" };
    const parts = [
      create(PartSchema, {
        id: "rs_1",
        kind: {
          case: "reasoning",
          value: { text: ["one", "two"], summary: ["sum"], visibility: ReasoningVisibility.FULL },
        },
        state: [
          { origin, format: "x.signature", payload: { case: "text", value: "sig" } },
          { origin, format: "x.bytes", payload: { case: "raw", value: Buffer.from([0, 255]) } },
        ],
      }),
      create(PartSchema, {
        kind: { case: "reasoning", value: { visibility: ReasoningVisibility.OMITTED } },
        state: [{ format: "x.redacted", payload: { case: "text", value: "zzz" } }],
      }),
      create(PartSchema, {
        kind: { case: "text", value: { text: "A" } },
        state: [{ origin, format: "x.signature", payload: { case: "text", value: "text sig" } }],
      }),
      create(PartSchema, {
        kind: { case: "toolCall", value: { callId: "c1", name: "f", input: { case: "argumentsJson", value: "{}" } } },
        state: [{ origin, format: "x.signature", payload: { case: "text", value: "call sig" } }],
      }),
    ];
    const message = messageOf(...parts);
    expect(message["reasoning_content"]).toBe("one\n\ntwo\n\nsum");
    const { request } = decodeRequest(Buffer.from(JSON.stringify({ model: "m", messages: [message] })), {
      maxDepth: 32,
    });
    expect(request.messages[0]).toMatchObject({ role: Role.ASSISTANT });
    expect(request.messages[0]?.parts).toEqual(parts);
  });

  test.each([
    [FinishReason.STOP_SEQUENCE, "stop"],
    [FinishReason.CONTEXT_WINDOW, "length"],
    [FinishReason.PAUSED, "stop"],
    [FinishReason.REFUSAL, "content_filter"],
    [FinishReason.CONTENT_FILTER, "content_filter"],
    [FinishReason.RECITATION, "content_filter"],
    [FinishReason.TOOL_LIMIT, "stop"],
    [FinishReason.OTHER, "stop"],
  ])("says %s as %s, with the provider's word in parley", (finish, word) => {
    const sent = encode([{ parts: [textPart("x")], finish, native: "its_word" }]);
    expect(sent.choices[0]?.finish_reason).toBe(word);
    expect(sent["parley"]).toMatchObject({ finish: [{ native: "its_word" }] });
  });

  test.each([
    FinishReason.MALFORMED_TOOL_CALL,
    FinishReason.MALFORMED_OUTPUT,
    FinishReason.PROVIDER_ERROR,
    FinishReason.UNSPECIFIED,
  ])("never shows an answer that ended with %s as complete", (finish) => {
    expect(() => encode([{ parts: [textPart("x")], finish }])).toThrow(/Cannot give/);
  });

  test("leaves a service tier that OpenAI does not know to parley", () => {
    const response = fold(wholeEvents("req_1", [{ parts: [textPart("x")] }]));
    response.serviceTier = "on_demand";
    const sent = encodeResponse(response, { legacyFunctions: false, nowSeconds: 1 });
    expect(sent).not.toHaveProperty("service_tier");
    expect(sent["parley"]).toMatchObject({ service_tier: "on_demand" });
  });
});

describe("encodeUsage", () => {
  const usage = (fields: Partial<Usage>): Usage =>
    create(UsageSchema, { source: UsageSource.REPORTED, ...fields } as never);

  test("adds the disjoint buckets up to OpenAI's inclusive figures", () => {
    expect(
      encodeUsage(
        usage({
          inputTokens: 1,
          cacheReadTokens: 2,
          toolPromptTokens: 8,
          outputTokens: 16,
          reasoningTokens: 32,
          cacheWrites: [{ $typeName: "parley.v1.CacheWrite", tokens: 4, ttlSeconds: 300 }],
          inputModalities: [{ $typeName: "parley.v1.ModalityTokens", modality: Modality.AUDIO, tokens: 1 }],
          outputModalities: [{ $typeName: "parley.v1.ModalityTokens", modality: Modality.TEXT, tokens: 16 }],
          acceptedPredictionTokens: 3,
          rejectedPredictionTokens: 0,
        }),
      ),
    ).toEqual({
      prompt_tokens: 15,
      completion_tokens: 48,
      total_tokens: 63,
      prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 4, audio_tokens: 1 },
      completion_tokens_details: {
        reasoning_tokens: 32,
        text_tokens: 16,
        accepted_prediction_tokens: 3,
        rejected_prediction_tokens: 0,
      },
    });
  });

  test("says nothing where input or output is unknown, for unknown is not zero", () => {
    expect(encodeUsage(undefined)).toBeUndefined();
    expect(encodeUsage(usage({ inputTokens: 5 }))).toBeUndefined();
    expect(encodeUsage(usage({ outputTokens: 5 }))).toBeUndefined();
    expect(encodeUsage(usage({ inputTokens: 0, outputTokens: 0 }))?.total_tokens).toBe(0);
  });
});
