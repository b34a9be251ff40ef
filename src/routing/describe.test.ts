import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  ChatRequestSchema,
  RequestSummarySchema,
  Delivery,
  Effort,
  ErrorReason,
  Modality,
  OnRefusal,
  PartSchema,
  Priority,
  ResolutionRule,
  Role,
} from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { Candidate } from "./candidate.ts";
import { NO_STATISTICS } from "./candidates.ts";
import { decidedOf, describeDecision, summarise } from "./describe.ts";
import type { Survey } from "./plan.ts";

const summary = summarise(create(ChatRequestSchema, { model: "fast" }), { upperBound: 7_000_000_000, likely: 1.5 });

function candidate(name: string, more: Partial<Candidate> = {}): Candidate {
  const target = { name, provider: "p", model: name, region: "eu", facts: { capabilities: {}, quirks: [] } };
  const nothing = { exclusion: undefined, unavailable: undefined, rank: undefined, score: undefined };
  return { target, ...nothing, worstCostNanoUsd: undefined, statistics: NO_STATISTICS, ...more };
}

function surveyed(candidates: readonly Candidate[], error?: ParleyError): Survey {
  return {
    targets: [],
    candidates,
    error,
    resolutionRule: "task",
    strategy: "fastest",
    priority: Priority.BATCH,
    delivery: Delivery.AUTO,
    onRefusal: "next_target",
    hedge: undefined,
    shadows: [],
    maxAttempts: 3,
    conversation: undefined,
  };
}

test("a decision tells everything that is known of a candidate, by rank and then the excluded ones", () => {
  const busy = candidate("busy", {
    rank: 2,
    score: Infinity,
    worstCostNanoUsd: 12n,
    unavailable: { rule: "cooling", retryInMs: 12.4, why: "the credential cools down" },
    statistics: {
      attempts: 40,
      failures: 3,
      failuresByReason: { provider_overloaded: 3 },
      running: 2,
      firstContentMs: { p50: 100, p95: 400, p99: 900 },
      outputTokensPerSecond: { p50: 50, p95: 70, p99: 80 },
      headroom: { remainingRequests: -1, remainingTokens: 5e9, resetInMs: undefined },
    },
  });
  const excluded = candidate("out", { exclusion: { rule: "tools", why: "it has none" } });
  const error = new ParleyError("NO_ELIGIBLE_TARGET", "Cannot route it", { field: "tools" });
  const decision = describeDecision(
    decidedOf(surveyed([excluded, busy, candidate("first", { rank: 1 })], error), summary),
  );
  expect(decision).toMatchObject({
    request: { model: "fast", inputTokensUpperBound: 4_294_967_295, inputTokensLikely: 2, candidates: 1 },
    resolutionRule: ResolutionRule.TASK,
    strategy: "fastest",
    priority: Priority.BATCH,
    delivery: Delivery.AUTO,
    onRefusal: OnRefusal.NEXT_TARGET,
    refusal: { reason: ErrorReason.NO_ELIGIBLE_TARGET, field: "tools", message: "Cannot route it" },
  });
  expect(decision.candidates.map((one) => one.name)).toEqual(["first", "busy", "out"]);
  expect(decision.candidates[1]).toMatchObject({
    region: "eu",
    rank: 2,
    score: Infinity,
    worstCostNanoUsd: 12n,
    unavailability: { rule: "cooling", retryInMs: 13 },
    statistics: { ...busy.statistics, headroom: { remainingRequests: 0, remainingTokens: 5_000_000_000n } },
  });
  expect(decision.candidates[2]).toMatchObject({ exclusion: { rule: "tools", why: "it has none" } });
});

test("figures are taken of those that could be tried, and worked out for no others", () => {
  const asked: string[] = [];
  const lazy = (name: string, rank: number | undefined): Candidate => {
    const { statistics: _, ...rest } = candidate(name, { rank });
    return {
      ...rest,
      get statistics() {
        asked.push(name);
        return NO_STATISTICS;
      },
    };
  };
  const make = (): Candidate[] => [lazy("a", 1), lazy("b", 2), lazy("c", undefined)];
  const decided = decidedOf(surveyed(make()), summary, 1);
  describeDecision(decided);
  describeDecision(decided);
  expect(asked).toEqual(["a"]);
  decidedOf(surveyed(make()), summary);
  expect(asked).toEqual(["a", "a", "b", "c"]);
});

test("a summary names the needs of a request, wherever in it they are", () => {
  const image = create(PartSchema, { kind: { case: "media", value: { modality: Modality.IMAGE } } });
  const result = create(PartSchema, { kind: { case: "toolResult", value: { callId: "c", content: [image] } } });
  const request = create(ChatRequestSchema, {
    messages: [
      { role: Role.TOOL, parts: [result] },
      { role: Role.ASSISTANT, prefill: true },
    ],
    tools: [{ kind: { case: "custom", value: { name: "t" } } }],
    output: { format: { case: "jsonSchema", value: { name: "n", schemaJson: "{}" } } },
    reasoning: { effort: Effort.LOW, budgetTokens: 10 },
    sampling: { topK: 1, minP: 0.1, logprobs: true, stop: ["x"], candidates: 2, maxOutputTokens: 9 },
    serviceTier: "flex",
    routing: { fallbackModels: ["m"] },
  });
  // Written out by hand: a new field of the contract breaks this until it is there.
  expect(summary).toStrictEqual(create(RequestSummarySchema, { ...summary }));
  expect(summarise(request, { upperBound: 2, likely: 1 })).toMatchObject({
    maxOutputTokens: 9,
    candidates: 2,
    serviceTier: "flex",
    routing: { fallbackModels: ["m"] },
    needs: [
      "image_input",
      "prefill",
      "custom_tools",
      "json_schema",
      "reasoning",
      "reasoning_budget",
      "top_k",
      "min_p",
      "logprobs",
      "stop",
      "candidates",
    ],
  });
});
