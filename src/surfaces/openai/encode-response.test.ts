import { describe, expect, test } from "vitest";
import { FinishReason, fold, textPart } from "../../contract/index.ts";
import { encodeResponse } from "./encode-response.ts";
import { wholeEvents } from "./answers.fixture.ts";

import { encode } from "./encode.fixture.ts";

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
