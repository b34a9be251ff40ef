import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Modality, UsageSchema, UsageSource, type Usage } from "../../contract/index.ts";
import { encodeUsage } from "./encode-usage.ts";

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
