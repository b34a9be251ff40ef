import { expect, test } from "vitest";
import { Modality, UsageSource } from "../../contract/index.ts";
import { decodeUsage } from "./decode-usage.ts";
import type { CompletionUsage } from "./wire.ts";

const base = { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 };

const table: readonly (readonly [story: string, wire: CompletionUsage, expected: object])[] = [
  ["plain figures", base, { inputTokens: 100, outputTokens: 50, reportedTotalTokens: 150, balanced: true }],
  [
    "cached and written tokens as parts of the prompt",
    { ...base, prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 } },
    { inputTokens: 30, cacheReadTokens: 60, cacheWrites: [{ tokens: 10 }], balanced: true },
  ],
  [
    "reasoning as part of the completion",
    { ...base, completion_tokens_details: { reasoning_tokens: 20 } },
    { outputTokens: 30, reasoningTokens: 20, balanced: true },
  ],
  [
    "reasoning beside the completion, as the total tells",
    { ...base, total_tokens: 170, completion_tokens_details: { reasoning_tokens: 20 } },
    { outputTokens: 50, reasoningTokens: 20, balanced: true },
  ],
  [
    "reasoning above the completion that the total leaves out",
    { ...base, completion_tokens_details: { reasoning_tokens: 80 } },
    { outputTokens: 50, reasoningTokens: 80, balanced: false },
  ],
  [
    "cache hits and misses beside the prompt",
    { ...base, prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 },
    { inputTokens: 36, cacheReadTokens: 64, balanced: true },
  ],
  [
    "cache reads and writes in the words of another vendor, by lifetime",
    {
      ...base,
      cache_read_input_tokens: 10,
      cache_creation_input_tokens: 20,
      cache_creation: { ephemeral_5m_input_tokens: 15, ephemeral_1h_input_tokens: 5 },
    },
    {
      inputTokens: 70,
      cacheReadTokens: 10,
      cacheWrites: [
        { ttlSeconds: 300, tokens: 15 },
        { ttlSeconds: 3600, tokens: 5 },
      ],
      balanced: true,
    },
  ],
  [
    "more cached tokens than the prompt has",
    { ...base, prompt_tokens_details: { cached_tokens: 140 } },
    { inputTokens: 0, cacheReadTokens: 140, balanced: false },
  ],
  ["a total that does not fit", { ...base, total_tokens: 999 }, { reportedTotalTokens: 999, balanced: false }],
  [
    "modalities and predictions as views",
    {
      ...base,
      prompt_tokens_details: { audio_tokens: 40, text_tokens: 60, image_tokens: 0 },
      completion_tokens_details: { audio_tokens: 12, accepted_prediction_tokens: 3, rejected_prediction_tokens: 0 },
    },
    {
      inputTokens: 100,
      inputModalities: [
        { modality: Modality.TEXT, tokens: 60 },
        { modality: Modality.AUDIO, tokens: 40 },
      ],
      outputModalities: [{ modality: Modality.AUDIO, tokens: 12 }],
      acceptedPredictionTokens: 3,
      rejectedPredictionTokens: 0,
      balanced: true,
    },
  ],
  [
    "searches as a meter",
    { ...base, server_tool_use_details: { web_search_requests: 2 } },
    { meters: [{ unit: "web_search_requests", quantity: 2 }] },
  ],
];

test.for(table)("decodeUsage reads %s", ([, wire, expected]) => {
  expect(decodeUsage(wire, UsageSource.REPORTED)).toMatchObject({ ...expected, source: UsageSource.REPORTED });
});

test("decodeUsage keeps unknown apart from zero and takes no nonsense", () => {
  const wire = { prompt_tokens: -1, completion_tokens: 1.5, total_tokens: "7", prompt_tokens_details: null };
  const usage = decodeUsage(wire as unknown as CompletionUsage, UsageSource.PARTIAL);
  expect([usage.inputTokens, usage.outputTokens, usage.cacheReadTokens, usage.reportedTotalTokens]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(usage.balanced).toBe(true);
});
