import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  DecisionSchema,
  OnRefusal,
  ResolutionRule,
  RouteCandidateSchema,
  type ChatRequest,
  type Decision,
  type RequestSummary,
  type RouteCandidate,
  type TargetStatisticsSchema,
} from "../contract/index.ts";
import type { ParleyError } from "../errors/index.ts";
import type { Candidate } from "./candidate.ts";
import { NO_STATISTICS } from "./candidates.ts";
import type { TargetStatistics } from "./live.ts";
import type { ResolutionRule as ResolutionRuleName } from "./model-table.ts";
import { needsOf } from "./needs.ts";
import type { Plan, Survey } from "./plan.ts";

/** What was decided about one request. Holds nothing of the request but its summary, so that it can be kept. */
export interface Decided {
  readonly summary: RequestSummary;
  readonly plan: Pick<Plan, "resolutionRule" | "strategy" | "priority" | "delivery" | "onRefusal" | "maxAttempts">;
  readonly candidates: readonly Candidate[];
  readonly refusal: Pick<ParleyError, "reason" | "field" | "message"> | undefined;
}

const RULES: Readonly<Record<ResolutionRuleName, ResolutionRule>> = {
  route: ResolutionRule.ROUTE,
  provider: ResolutionRule.PROVIDER,
  catalogue: ResolutionRule.CATALOGUE,
  task: ResolutionRule.TASK,
};

/**
 * Takes a decision off its request. The candidates of a plan work their figures out when they are asked, and hold the
 * request for that: of those beyond `maxFigures` ranks neither statistics nor costs are taken.
 */
export function decidedOf(plan: Plan | Survey, summary: RequestSummary, maxFigures = Infinity): Decided {
  const error = "error" in plan ? plan.error : undefined;
  const { resolutionRule, strategy, priority, delivery, onRefusal, maxAttempts } = plan;
  return {
    summary,
    plan: { resolutionRule, strategy, priority, delivery, onRefusal, maxAttempts },
    candidates: plan.candidates.map((one) =>
      detached(one, one.rank === undefined ? maxFigures === Infinity : one.rank <= maxFigures),
    ),
    refusal: error && { reason: error.reason, field: error.field, message: error.message },
  };
}

function detached(one: Candidate, withFigures: boolean): Candidate {
  return {
    target: one.target,
    exclusion: one.exclusion,
    unavailable: one.unavailable,
    rank: one.rank,
    score: one.score,
    worstCostNanoUsd: withFigures ? one.worstCostNanoUsd : undefined,
    statistics: withFigures ? one.statistics : NO_STATISTICS,
  };
}

/** What a decision depends on of a request, and nothing that the request says. */
export function summarise(
  request: ChatRequest,
  size: { readonly upperBound: number; readonly likely: number },
): RequestSummary {
  // As `create` makes it, for a tenth of its cost: every request has one.
  const summary: RequestSummary = {
    $typeName: "parley.v1.RequestSummary",
    model: request.model,
    inputTokensUpperBound: toUint32(size.upperBound),
    inputTokensLikely: toUint32(size.likely),
    candidates: request.sampling?.candidates ?? 1,
    needs: needsOf(request),
  };
  if (request.routing) summary.routing = request.routing;
  if (request.serviceTier !== undefined) summary.serviceTier = request.serviceTier;
  const { maxOutputTokens } = request.sampling ?? {};
  if (maxOutputTokens !== undefined) summary.maxOutputTokens = maxOutputTokens;
  return summary;
}

/** The contract's message for a decision. */
export function describeDecision({ summary, plan, candidates, refusal }: Decided): Decision {
  return create(DecisionSchema, {
    request: summary,
    resolutionRule: RULES[plan.resolutionRule],
    strategy: plan.strategy,
    priority: plan.priority,
    delivery: plan.delivery,
    onRefusal: plan.onRefusal === "next_target" ? OnRefusal.NEXT_TARGET : OnRefusal.ANSWER,
    maxAttempts: plan.maxAttempts,
    candidates: candidates.toSorted(byRank).map(describeCandidate),
    ...(refusal ? { refusal } : {}),
  });
}

// Those that may not serve come last, in the order in which they were looked at.
function byRank(a: Candidate, b: Candidate): number {
  return (a.rank ?? MAX_UINT32) - (b.rank ?? MAX_UINT32);
}

function describeCandidate(candidate: Candidate): RouteCandidate {
  const { target, rank, score, exclusion, unavailable, worstCostNanoUsd } = candidate;
  return create(RouteCandidateSchema, {
    name: target.name,
    ...(target.region === undefined ? {} : { region: target.region }),
    ...(rank === undefined ? {} : { rank }),
    ...(score === undefined ? {} : { score }),
    ...(worstCostNanoUsd === undefined ? {} : { worstCostNanoUsd }),
    ...(exclusion ? { exclusion: { rule: exclusion.rule, why: exclusion.why } } : {}),
    ...(unavailable
      ? { unavailability: { rule: unavailable.rule, retryInMs: toUint32(unavailable.retryInMs), why: unavailable.why } }
      : {}),
    statistics: describeStatistics(candidate.statistics),
  });
}

function describeStatistics(statistics: TargetStatistics): MessageInitShape<typeof TargetStatisticsSchema> {
  const { firstContentMs, outputTokensPerSecond, headroom } = statistics;
  return {
    attempts: statistics.attempts,
    failures: statistics.failures,
    failuresByReason: { ...statistics.failuresByReason },
    running: statistics.running,
    ...(firstContentMs ? { firstContentMs: { ...firstContentMs } } : {}),
    ...(outputTokensPerSecond ? { outputTokensPerSecond: { ...outputTokensPerSecond } } : {}),
    ...(headroom ? { headroom: describeHeadroom(headroom) } : {}),
  };
}

function describeHeadroom(headroom: NonNullable<TargetStatistics["headroom"]>) {
  const { remainingRequests, remainingTokens, resetInMs } = headroom;
  return {
    ...(remainingRequests === undefined ? {} : { remainingRequests: toUint32(remainingRequests) }),
    ...(remainingTokens === undefined ? {} : { remainingTokens: BigInt(Math.max(0, Math.round(remainingTokens))) }),
    ...(resetInMs === undefined ? {} : { resetInMs: toUint32(resetInMs) }),
  };
}

const MAX_UINT32 = 4_294_967_295;

// Figures that came from outside, or were summed up, must not break the message that tells them.
function toUint32(value: number): number {
  return Math.min(MAX_UINT32, Math.max(0, Math.ceil(value)));
}
