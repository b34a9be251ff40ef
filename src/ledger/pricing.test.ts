import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { createCatalog } from "../catalog/catalog.ts";
import { CostSchema, UsageSchema, UsageSource } from "../contract/index.ts";
import { PRICING_CASES } from "./pricing.fixture.ts";
import { costOf } from "./pricing.ts";

const reported = (usage: MessageInitShape<typeof UsageSchema>) =>
  create(UsageSchema, { source: UsageSource.REPORTED, balanced: true, ...usage });

describe("costOf", () => {
  test.each(PRICING_CASES)("charges $name", ({ usage, prices: list, tier, nanoUsd, estimated = false }) => {
    const cost = costOf(reported(usage), list, tier);
    const { nanoUsd: charged, priceVersion, estimated: isEstimated } = cost ?? {};
    expect(cost).toStrictEqual(cost && create(CostSchema, { ...cost }));
    expect({ charged, priceVersion, isEstimated }).toEqual(
      nanoUsd === undefined
        ? { charged: undefined, priceVersion: undefined, isEstimated: undefined }
        : { charged: nanoUsd, priceVersion: list?.version, isEstimated: estimated },
    );
  });

  test("charges a model of the catalogue what its provider's price page says", () => {
    const list = createCatalog().lookup("openai", "gpt-5.4")!.prices;
    const usage = reported({
      inputTokens: 300_000,
      cacheReadTokens: 20_000,
      outputTokens: 1_500,
      reasoningTokens: 500,
    });
    // 300k x 5.00 + 20k x 0.50 + 2k x 22.50 USD per million: above 272k tokens of input
    expect(costOf(usage, list, "default")?.nanoUsd).toBe(1_500_000_000n + 10_000_000n + 45_000_000n);
    // The long price on flex is not known.
    expect(costOf(usage, list, "flex")).toBeUndefined();
  });
});
