import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { ModelFacts, PriceEntry } from "../catalog/facts.ts";
import { ChatRequestSchema, Modality, Role, Support, textPart, UsageSource } from "../contract/index.ts";
import { inputSize } from "../ledger/estimate.ts";
import { costOf } from "../ledger/pricing.ts";
import { affordableOutput, requestTokens, worstCostNanoUsd } from "./cost.ts";
import type { Target } from "./target.ts";
import { unboundedCost, unpricedTier } from "./worst-case.ts";

const PLAIN: readonly PriceEntry[] = [
  { unit: "input", nanoUsd: 1_000_000 },
  { unit: "output", nanoUsd: 4_000_000 },
];

function target(entries: readonly PriceEntry[] | undefined, more: Partial<ModelFacts> = {}): Target {
  const prices = entries && { version: "test", entries };
  const facts = { capabilities: {}, quirks: [], maxOutputTokens: 1_000, ...(prices ? { prices } : {}), ...more };
  return { name: "p/m", provider: "p", model: "m", region: undefined, facts };
}

function request(more: MessageInitShape<typeof ChatRequestSchema> = {}) {
  const messages = [{ role: Role.USER, parts: [textPart("x".repeat(1_000))] }];
  return create(ChatRequestSchema, { model: "p/m", messages, ...more });
}

const worst = (to: Target, asked = request()): number =>
  Number(worstCostNanoUsd(to, requestTokens(asked, inputSize(asked))));
const sampling = (maxOutputTokens: number, candidates?: number) =>
  request({ sampling: { maxOutputTokens, ...(candidates === undefined ? {} : { candidates }) } });

describe("the worst case covers what a provider may bill", () => {
  const input = inputSize(request()).upperBound;

  test.each<[string, Target, ReturnType<typeof request>, number]>([
    ["the target's limit where the request sets none", target(PLAIN), request(), input + 4 * 1_000],
    ["the request's own limit", target(PLAIN), sampling(10), input + 4 * 10],
    ["every answer asked for", target(PLAIN), sampling(10, 3), input + 4 * 30],
    [
      "the dearest processing tier, for one may be served that nobody asked for",
      target([...PLAIN, { unit: "output", nanoUsd: 9_000_000, serviceTier: "priority" }]),
      sampling(10),
      input + 90,
    ],
    [
      "the price of a long context",
      target([...PLAIN, { unit: "input", nanoUsd: 3_000_000, aboveInputTokens: 200_000 }]),
      sampling(10),
      3 * input + 40,
    ],
    [
      "writing all of the input to a cache, for the longest time",
      target([
        ...PLAIN,
        { unit: "cache_write", nanoUsd: 1_250_000 },
        { unit: "cache_write", nanoUsd: 2_000_000, ttlSeconds: 3600 },
      ]),
      sampling(10),
      2 * input + 40,
    ],
    [
      "a price of reasoning of its own",
      target([...PLAIN, { unit: "reasoning", nanoUsd: 6_000_000 }]),
      sampling(10),
      input + 60,
    ],
  ])("%s", (_what, to, asked, expected) => {
    expect(worst(to, asked)).toBe(expected);
  });

  test("sound costs what sound costs, where there is some", () => {
    const to = target([...PLAIN, { unit: "input_audio", nanoUsd: 40_000_000 }]);
    expect(worst(to, sampling(10))).toBe(input + 40);
    const sound = {
      kind: {
        case: "media" as const,
        value: { modality: Modality.AUDIO, source: { case: "inline" as const, value: new Uint8Array(320) } },
      },
    };
    const asked = request({ messages: [{ role: Role.USER, parts: [sound] }], sampling: { maxOutputTokens: 10 } });
    expect(worst(to, asked)).toBe(40 * inputSize(asked).upperBound + 40);
  });

  test("what a model rejects of a prediction is billed beside the limit", () => {
    const asked = request({ sampling: { maxOutputTokens: 10 }, prediction: [textPart("y".repeat(100))] });
    expect(worst(target(PLAIN), asked)).toBe(inputSize(asked).upperBound + 4 * 310);
  });

  test("what is free needs no limit", () => {
    const free = PLAIN.map(({ unit }) => ({ unit, nanoUsd: 0 }));
    const { maxOutputTokens: _, ...facts } = target(free).facts;
    expect(worst({ ...target(free), facts })).toBe(0);
    expect(unboundedCost(request(), { ...target(free), facts })).toBeUndefined();
  });

  test("no bill within the limits is above it, whatever tier serves it and whatever the cache does", () => {
    const prices = {
      version: "test",
      entries: [
        ...PLAIN,
        { unit: "cache_read", nanoUsd: 100_000 },
        { unit: "cache_write", nanoUsd: 2_000_000, ttlSeconds: 3600 },
        { unit: "input", nanoUsd: 2_500_000, serviceTier: "priority" },
        { unit: "output", nanoUsd: 9_000_000, serviceTier: "priority" },
        { unit: "output", nanoUsd: 6_000_000, aboveInputTokens: 100 },
      ],
    };
    const most = worst(target(prices.entries), sampling(100));
    for (const tier of [undefined, "priority", "flex"]) {
      for (const written of [0, 400, input]) {
        const usage = {
          $typeName: "parley.v1.Usage" as const,
          inputTokens: input - written,
          cacheReadTokens: 0,
          cacheWrites: [{ $typeName: "parley.v1.CacheWrite" as const, tokens: written, ttlSeconds: 3600 }],
          outputTokens: 40,
          reasoningTokens: 60,
          inputModalities: [],
          outputModalities: [],
          meters: [],
          source: UsageSource.REPORTED,
          balanced: true,
        };
        const { nanoUsd } = costOf(usage, prices, tier) ?? {};
        if (nanoUsd !== undefined && Number(nanoUsd) > most)
          throw new Error(`${tier} ${written}: ${nanoUsd} > ${most}`);
      }
    }
    expect(most).toBe(2.5 * input + 9 * 100);
  });
});

describe("a target is not eligible on a key with budgets", () => {
  const tool = (kind: string, value: object) => request({ tools: [{ kind: { case: kind, value } as never }] });
  const xai = {
    billing: { cutStream: "generated", cutWhole: "whole", limitCovers: "visible", source: "", checkedOn: "" },
  } as const;

  test.each<[string, Target, ReturnType<typeof request>, string]>([
    ["without a price", target(undefined), request(), "its price is not known"],
    ["with half a price", target(PLAIN.slice(0, 1)), request(), "its price is not known"],
    [
      "without any output limit",
      target(PLAIN, { maxOutputTokens: undefined as never }),
      request(),
      "sampling.max_output_tokens",
    ],
    ["whose limit does not cover reasoning", target(PLAIN, xai), sampling(10), "does not cover reasoning"],
    ["that searches", target(PLAIN), tool("webSearch", {}), "the provider's own tools"],
    ["that runs tools of its own", target(PLAIN), tool("native", { definitionJson: "{}" }), "the provider's own tools"],
    [
      "that is sent a field of its own behind which there are fees",
      target(PLAIN),
      request({ rawParams: [{ provider: "p", json: '{"top_k":1,"search_options":{}}' }] }),
      "search_options",
    ],
    [
      "that calls others by itself",
      target(PLAIN, { billing: { ...xai.billing, limitCovers: "all", unbounded: "it searches by itself" } }),
      sampling(10),
      "it searches by itself",
    ],
  ])("%s", (_what, to, asked, why) => {
    expect(unboundedCost(asked, to)).toContain(why);
  });

  test.each<[string, Target, ReturnType<typeof request>]>([
    ["its limits are known", target(PLAIN), request()],
    ["the request sets the limit", target(PLAIN, { maxOutputTokens: undefined as never }), sampling(10)],
    ["it does not reason", target(PLAIN, { ...xai, capabilities: { reasoning: Support.REJECTED } }), sampling(10)],
    [
      "reasoning is off",
      target(PLAIN, xai),
      request({ sampling: { maxOutputTokens: 10 }, reasoning: { enabled: false } }),
    ],
    [
      "the field is for another provider",
      target(PLAIN),
      request({ rawParams: [{ provider: "q", json: '{"search":1}' }] }),
    ],
    ["the field costs nothing", target(PLAIN), request({ rawParams: [{ provider: "p", json: '{"min_tokens":1}' }] })],
  ])("unless %s", (_what, to, asked) => {
    expect(unboundedCost(asked, to)).toBeUndefined();
  });
});

test("a processing tier without a price is told from one that has a price or is the usual one", () => {
  const to = target([...PLAIN, { unit: "output", nanoUsd: 9_000_000, serviceTier: "priority" }]);
  const found = ["priority", "flex", "auto", "turbo"].map((serviceTier) => unpricedTier(request({ serviceTier }), to));
  expect(found).toEqual([undefined, undefined, undefined, "turbo"]);
});

test.each([0, 1, 3, 100, 4_321])("a clamped limit costs no more than %s nano-USD above the input", (nanoUsd) => {
  const to = target(PLAIN);
  const tokens = requestTokens(request(), inputSize(request()));
  const limit = affordableOutput(to, tokens, tokens.mostInput + nanoUsd)!;
  expect(limit).toBe(Math.floor(nanoUsd / 4));
  expect(Number(worstCostNanoUsd(to, { ...tokens, outputLimit: limit }))).toBeLessThanOrEqual(
    tokens.mostInput + nanoUsd,
  );
  expect(affordableOutput(to, tokens, tokens.mostInput - 1)).toBe(0);
});
