import {
  Delivery,
  ErrorReason,
  Priority,
  ResolutionRule,
  type Attempt,
  type Decision,
  type RequestSummary,
  type RouteCandidate,
  type TargetStatistics,
  type Trace,
} from "../contract/index.ts";
import { reasonName } from "../errors/index.ts";
import { usdText } from "./models-command.ts";

const RULES: Readonly<Record<number, string>> = {
  [ResolutionRule.ROUTE]: "is a configured route",
  [ResolutionRule.PROVIDER]: "is a model of a configured provider",
  [ResolutionRule.CATALOGUE]: "is an id of the catalogue",
  [ResolutionRule.TASK]: "gives way to the request's task",
};

/** A decision for people: one line for each target, in the order of attempts, and why the others are out. */
export function decisionText(decision: Decision): string {
  const { request, candidates, refusal } = decision;
  const policy = [
    `${decision.strategy} order`,
    `delivery ${word(Delivery, decision.delivery)}`,
    ...(decision.priority === Priority.BATCH ? ["batch"] : []),
    `at most ${plural(decision.maxAttempts, "attempt")}`,
  ];
  const lines = [
    `${request?.model ?? ""} ${RULES[decision.resolutionRule] ?? "is known"}: ${policy.join(", ")}`,
    ...(request ? [sizeText(request)] : []),
    "",
    ...table(candidates.map(candidateRow)),
  ];
  if (refusal) lines.push("", `${refusal.message} (${reasonName(refusal.reason)})`);
  return `${lines.join("\n")}\n`;
}

/** A trace for people: its decision, what was tried with the time of each stage, and who served it. */
export function traceText(trace: Trace): string {
  const { decision, attempts, served, routedAfterUs } = trace;
  const lines = decision ? [decisionText(decision).trimEnd()] : ["The request was refused before it had targets"];
  if (routedAfterUs !== undefined) lines.push("", `Routed after ${routedAfterUs} microseconds`);
  lines.push(...table(attempts.map(attemptRow)));
  const failed =
    trace.reason === ErrorReason.UNSPECIFIED ? undefined : `${trace.message} (${reasonName(trace.reason)})`;
  const end = served ? `Served by ${served.provider}/${served.model}` : (failed ?? "Not served yet");
  lines.push("", `${end}, ${trace.durationMs} ms in all`);
  return `${lines.join("\n")}\n`;
}

function sizeText(request: RequestSummary): string {
  const sizes = `about ${request.inputTokensLikely} tokens in, at most ${request.inputTokensUpperBound}`;
  const limit = request.maxOutputTokens === undefined ? "no output limit" : `at most ${request.maxOutputTokens} out`;
  const needs = request.needs.length > 0 ? `; needs ${request.needs.join(", ")}` : "";
  return `The request: ${sizes}; ${limit}${needs}`;
}

function candidateRow(candidate: RouteCandidate): string[] {
  const { rank, name, region, exclusion, unavailability, worstCostNanoUsd, statistics } = candidate;
  const place = rank === undefined ? "-" : String(rank);
  const where = region === undefined ? name : `${name} (${region})`;
  if (exclusion) return [place, where, `excluded by ${exclusion.rule}: ${exclusion.why}`];
  const facts = [
    worstCostNanoUsd === undefined ? "cost unknown" : `at most ${usdText(worstCostNanoUsd)}`,
    ...(statistics ? [statisticsText(statistics)] : []),
    ...(unavailability ? [`${unavailability.rule} for ${unavailability.retryInMs} ms: ${unavailability.why}`] : []),
  ];
  return [place, where, facts.filter((fact) => fact !== "").join("; ")];
}

function statisticsText({ attempts, failures, firstContentMs }: TargetStatistics): string {
  if (attempts === 0) return "";
  const times = firstContentMs
    ? `, first content p50 ${Math.round(firstContentMs.p50)} ms, p95 ${Math.round(firstContentMs.p95)} ms`
    : "";
  return `${failures} of ${plural(attempts, "call")} failed${times}`;
}

function attemptRow(attempt: Attempt): string[] {
  const { number, target, startedAfterMs, responseMs, firstContentMs, durationMs, reason, message } = attempt;
  const stages = [
    `out after ${startedAfterMs} ms`,
    ...(responseMs === undefined ? [] : [`headers in ${responseMs} ms`]),
    ...(firstContentMs === undefined ? [] : [`content in ${firstContentMs} ms`]),
    `over in ${durationMs} ms`,
  ];
  const end = reason === ErrorReason.UNSPECIFIED ? "answered" : `${reasonName(reason)}: ${message}`;
  return [String(number), `${target?.provider ?? ""}/${target?.model ?? ""}`, `${stages.join(", ")}; ${end}`];
}

function table(rows: readonly string[][]): string[] {
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function word(names: Readonly<Record<string, number>>, value: number): string {
  return (Object.entries(names).find(([, one]) => one === value)?.[0] ?? "unknown").toLowerCase();
}
