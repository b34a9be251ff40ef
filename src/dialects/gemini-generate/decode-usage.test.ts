import { describe, expect, test } from "vitest";
import { Modality, UsageSource } from "../../contract/index.ts";
import { decodeUsage, hasFigures } from "./decode-usage.ts";
import { foldBody, piece, streamEvents } from "./target.fixture.ts";

describe("decodeUsage", () => {
  test("decodeUsage makes disjoint buckets whose sum is the provider's total", () => {
    const wire = {
      promptTokenCount: 100,
      cachedContentTokenCount: 40,
      toolUsePromptTokenCount: 7,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 5,
      totalTokenCount: 132,
    };
    expect(decodeUsage(wire, UsageSource.REPORTED, 0)).toMatchObject({
      inputTokens: 60,
      cacheReadTokens: 40,
      toolPromptTokens: 7,
      outputTokens: 20,
      reasoningTokens: 5,
      reportedTotalTokens: 132,
      balanced: true,
      source: UsageSource.REPORTED,
      meters: [],
      cacheWrites: [],
    });
  });

  test("decodeUsage says where figures do not add up, and leaves unknown figures unknown", () => {
    expect(decodeUsage({ promptTokenCount: 3, totalTokenCount: 10 }, UsageSource.PARTIAL, 0).balanced).toBe(false);
    expect(
      decodeUsage({ promptTokenCount: 3, cachedContentTokenCount: 5, totalTokenCount: 3 }, UsageSource.PARTIAL, 0),
    ).toMatchObject({
      inputTokens: 0,
      cacheReadTokens: 5,
      balanced: false,
    });
    const bare = decodeUsage(
      { promptTokenCount: -1, candidatesTokenCount: 1.5, thoughtsTokenCount: 2 ** 32 },
      UsageSource.REPORTED,
      0,
    );
    expect(bare).toMatchObject({ balanced: true });
    for (const name of [
      "inputTokens",
      "cacheReadTokens",
      "outputTokens",
      "reasoningTokens",
      "reportedTotalTokens",
    ] as const) {
      expect(bare[name]).toBeUndefined();
    }
  });

  test("decodeUsage adds modalities up, by word or by number", () => {
    const usage = decodeUsage(
      {
        promptTokensDetails: [
          { modality: "TEXT", tokenCount: 3 },
          { modality: 2, tokenCount: 4 },
          { modality: "SMELL", tokenCount: 1 },
        ],
        toolUsePromptTokensDetails: [{ modality: "TEXT", tokenCount: 5 }],
        candidatesTokensDetails: [
          { modality: "AUDIO", tokenCount: 6 },
          { modality: "TEXT", tokenCount: 0 },
        ],
      },
      UsageSource.REPORTED,
      0,
    );
    expect(usage.inputModalities).toMatchObject([
      { modality: Modality.TEXT, tokens: 8 },
      { modality: Modality.IMAGE, tokens: 4 },
    ]);
    expect(usage.outputModalities).toMatchObject([{ modality: Modality.AUDIO, tokens: 6 }]);
  });

  test("hasFigures tells objects without any figure apart", () => {
    expect(hasFigures({ trafficType: "ON_DEMAND" })).toBe(false);
    expect(hasFigures({ promptTokenCount: 1 })).toBe(true);
    expect(hasFigures(null)).toBe(false);
  });
});

describe("an answer's usage", () => {
  const usageMetadata = { promptTokenCount: 1, totalTokenCount: 1 };

  test("usage is partial until the candidate has ended, and the last figures count", () => {
    const events = streamEvents([
      { ...piece([{ text: "a" }]), usageMetadata },
      { ...piece([{ text: "b" }]), usageMetadata: { trafficType: "ON_DEMAND" } },
      {
        ...piece([], "STOP"),
        usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3, serviceTier: "flex" },
      },
    ]);
    const updates = events.flatMap(({ event }) => (event.case === "usageUpdated" ? [event.value.usage?.source] : []));
    expect(updates).toEqual([UsageSource.PARTIAL, UsageSource.REPORTED]);
    expect(events.at(-1)?.event.value).toMatchObject({
      usage: { outputTokens: 2, source: UsageSource.REPORTED },
      serviceTier: "flex",
    });
  });

  test("usage counts the searches that the answer tells of, each once", () => {
    const groundingMetadata = { webSearchQueries: ["a", "b", "", "a"] };
    const { usage } = foldBody({ ...piece([{ text: "x" }], "STOP", { groundingMetadata }), usageMetadata });
    expect(usage?.meters).toMatchObject([{ unit: "web_search_requests", quantity: 2 }]);
  });

  test("an answer without figures has no usage, and Vertex AI's kind of traffic is its tier", () => {
    const response = foldBody({
      ...piece([{ text: "x" }], "STOP"),
      usageMetadata: { trafficType: "PROVISIONED_THROUGHPUT" },
    });
    expect(response.usage).toBeUndefined();
    expect(response.serviceTier).toBe("PROVISIONED_THROUGHPUT");
  });
});
