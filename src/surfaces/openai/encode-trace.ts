import {
  Delivery,
  OnRefusal,
  Priority,
  ResolutionRule,
  type Attempt,
  type Decision,
  type RouteCandidate,
  type TargetStatistics,
  type Trace,
} from "../../contract/index.ts";
import { usdText } from "../answer-headers.ts";
import { encodeAttempt } from "./encode-attempt.ts";
import { enumWord } from "./enum-word.ts";
import { originFields } from "./errors.ts";

/** `parley.trace`: the contract's trace in this surface's words. A reply holds it where the request asks for it. */
export function encodeTrace(trace: Trace): Record<string, unknown> {
  const { decision, routedAfterUs, served } = trace;
  return {
    request_id: trace.requestId,
    ...(decision ? { decision: encodeDecision(decision) } : {}),
    ...(routedAfterUs === undefined ? {} : { routed_after_us: routedAfterUs }),
    attempts: trace.attempts.map(encodeTracedAttempt),
    ...(trace.shadows.length > 0 ? { shadows: trace.shadows.map(encodeTracedAttempt) } : {}),
    ...(served ? { served: originFields(served) } : {}),
    duration_ms: trace.durationMs,
  };
}

function encodeDecision(decision: Decision): Record<string, unknown> {
  const { request } = decision;
  return {
    model: request?.model,
    input_tokens_upper_bound: request?.inputTokensUpperBound,
    input_tokens_likely: request?.inputTokensLikely,
    needs: request?.needs,
    resolution_rule: enumWord(ResolutionRule, decision.resolutionRule),
    strategy: decision.strategy,
    priority: enumWord(Priority, decision.priority),
    on_refusal: enumWord(OnRefusal, decision.onRefusal),
    delivery: enumWord(Delivery, decision.delivery),
    max_attempts: decision.maxAttempts,
    candidates: decision.candidates.map(encodeCandidate),
  };
}

function encodeCandidate(candidate: RouteCandidate): Record<string, unknown> {
  const { name, region, rank, score, worstCostNanoUsd, exclusion, unavailability, statistics } = candidate;
  return {
    name,
    ...(region === undefined ? {} : { region }),
    ...(rank === undefined ? {} : { rank }),
    // JSON has no number for it; a target without a price is ranked by it.
    ...(score === undefined ? {} : { score: Number.isFinite(score) ? score : null }),
    ...(worstCostNanoUsd === undefined ? {} : { worst_cost_usd: usdText(worstCostNanoUsd) }),
    ...(exclusion ? { exclusion: { rule: exclusion.rule, why: exclusion.why } } : {}),
    ...(unavailability
      ? {
          unavailability: {
            rule: unavailability.rule,
            retry_in_ms: unavailability.retryInMs,
            why: unavailability.why,
          },
        }
      : {}),
    ...(statistics && statistics.attempts > 0 ? { statistics: encodeStatistics(statistics) } : {}),
  };
}

function encodeStatistics(statistics: TargetStatistics): Record<string, unknown> {
  const { firstContentMs, outputTokensPerSecond, headroom } = statistics;
  return {
    attempts: statistics.attempts,
    failures: statistics.failures,
    failures_by_reason: statistics.failuresByReason,
    running: statistics.running,
    ...(firstContentMs ? { first_content_ms: percentiles(firstContentMs) } : {}),
    ...(outputTokensPerSecond ? { output_tokens_per_second: percentiles(outputTokensPerSecond) } : {}),
    ...(headroom
      ? {
          headroom: {
            remaining_requests: headroom.remainingRequests,
            remaining_tokens: headroom.remainingTokens === undefined ? undefined : Number(headroom.remainingTokens),
            reset_in_ms: headroom.resetInMs,
          },
        }
      : {}),
  };
}

function percentiles({ p50, p95, p99 }: { p50: number; p95: number; p99: number }): Record<string, number> {
  return { p50, p95, p99 };
}

function encodeTracedAttempt(attempt: Attempt): Record<string, unknown> {
  const { startedAfterMs, responseMs } = attempt;
  return {
    ...encodeAttempt(attempt),
    started_after_ms: startedAfterMs,
    ...(responseMs === undefined ? {} : { response_ms: responseMs }),
  };
}
