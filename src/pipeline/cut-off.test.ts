import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { BillingFacts } from "../catalog/facts.ts";
import { Support, UsageSchema, UsageSource } from "../contract/index.ts";
import { Hold } from "../policy/budgets/hold.ts";
import type { Target } from "../routing/target.ts";
import { BudgetMeter } from "./budget-meter.ts";
import { cutOffCost, type CutOff } from "./cut-off.ts";

// What becomes of money where an attempt ends early: 1 nano-USD a token of input, 10 a token of output; 5,000 are held.

const HELD = 5_000;
const rule = (cutStream: BillingFacts["cutStream"]): BillingFacts => ({
  cutStream,
  cutWhole: "whole",
  source: "test",
  checkedOn: "2026-11-20",
});

function target(billing: BillingFacts | undefined, reasoning: Support = Support.REJECTED): Target {
  const entries = [
    { unit: "input", nanoUsd: 1_000_000 },
    { unit: "output", nanoUsd: 10_000_000 },
  ];
  const facts = { capabilities: { reasoning }, quirks: [], maxOutputTokens: 400, prices: { version: "t", entries } };
  const all = billing ? { ...facts, billing } : facts;
  return { name: "p/m", provider: "p", model: "m", region: undefined, facts: all };
}

const usage = (source: UsageSource) =>
  create(UsageSchema, { inputTokens: 100, outputTokens: 20, source, balanced: true });

function cut(more: Partial<CutOff> & { status?: number; sent?: boolean } = {}): string {
  const { status = 200, sent = true, ...rest } = more;
  const cost = cutOffCost({
    target: target(rule("generated")),
    progress: {
      sent,
      httpStatus: status === 0 ? undefined : status,
      upstreamRequestId: undefined,
      responseMs: undefined,
      firstContentMs: undefined,
      headroom: undefined,
    },
    stream: true,
    usage: usage(UsageSource.ESTIMATED),
    hold: new Hold(HELD, Infinity, [], []),
    tokens: { likelyInput: 100, mostInput: 1_000, outputLimit: 400, candidates: 1 },
    durationMs: 50,
    ...rest,
  });
  return cost ? `${cost.nanoUsd}${cost.estimated ? ", estimated" : ""}` : "unknown";
}

describe("an attempt with a hold that ends early costs", () => {
  test.each<[string, Parameters<typeof cut>[0], string]>([
    ["nothing where it never left", { sent: false, status: 0, usage: undefined }, "0"],
    ["nothing where the provider answered with an error", { status: 429, usage: undefined }, "0"],
    ["what was generated, where its provider stops billing with the stream", {}, "300, estimated"],
    ["all that is held, where its provider goes on", { target: target(rule("whole")) }, `${HELD}, estimated`],
    ["all that is held, where nobody knows the rule", { target: target(undefined) }, `${HELD}, estimated`],
    ["all that is held, where the answer would have come whole", { stream: false }, `${HELD}, estimated`],
    [
      "what its provider has told, where that is final",
      { target: target(undefined), usage: usage(UsageSource.REPORTED) },
      "300",
    ],
    [
      "what it may have thought unseen as well",
      { target: target(rule("generated"), Support.NATIVE) },
      "800, estimated",
    ],
    [
      "no more than is held, however long it thought",
      { target: target(rule("generated"), Support.NATIVE), durationMs: 1e6 },
      "4300, estimated",
    ],
    ["input and time, where it was silent", { status: 0, usage: undefined }, "1500, estimated"],
  ])("%s", (_what, more, expected) => {
    expect(cut(more)).toBe(expected);
  });

  test("without a hold the estimate stands, unless the provider is known to bill the whole answer", () => {
    expect(cut({ hold: undefined, target: target(undefined) })).toBe("300, estimated");
    expect(cut({ hold: undefined, target: target(rule("whole")) })).toBe("5000, estimated");
    expect(cut({ hold: undefined, status: 503, usage: undefined })).toBe("unknown");
    expect(cut({ hold: undefined, status: 0, usage: undefined, target: target(rule("whole")) })).toBe("unknown");
  });
});

describe("a stream is cut where its provider overruns", () => {
  const meter = () =>
    new BudgetMeter(target(undefined), { likelyInput: 1, mostInput: 1, outputLimit: 10, candidates: 2 }, HELD);

  test("by what it says, once no tokenizer could make so few tokens of it", () => {
    expect(meter().check(20 * 16 + 4_096, undefined)).toBeUndefined();
    expect(meter().check(20 * 16 + 4_097, undefined)?.row.httpStatus).toBe(402);
  });

  test("by what it tells of its usage", () => {
    const told = (outputTokens: number) => create(UsageSchema, { inputTokens: 0, outputTokens, balanced: true });
    const one = meter();
    expect(one.check(1, told(500))).toBeUndefined();
    expect(one.check(1, told(501))?.message).toContain("goes beyond the output limit");
  });
});
