import { Effort, ReasoningVisibility, type ChatRequest, type Reasoning } from "../../contract/index.ts";
import { askedEffort, effortWord, snapEffort } from "../efforts.ts";
import type { Body, EncodeContext, Unsupported } from "./encode-context.ts";
import type { TargetRules } from "./target-rules.ts";

const LEVELS = ["minimal", "low", "medium", "high"];

// Efforts as budgets in tokens, as the vendor equates them in its compatible API.
// Source: https://ai.google.dev/gemini-api/docs/openai#thinking.
const BUDGET_OF: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 32_768,
  max: 32_768,
};

const AS_THE_MODEL_LIKES = -1;

/** Adds to `found` where the target cannot be told whether to reason. */
export function findUnsupportedReasoning(request: ChatRequest, rules: TargetRules, found: Unsupported): void {
  const state = stateOf(request);
  if (state === "unset") return;
  const refusal = rules.refusal("reasoning", "reasoning");
  if (refusal) {
    if (state === "on") found.capability("reasoning", refusal.reason);
  } else if (state === "off" && !rules.settings.thinking_off) {
    const field = request.reasoning?.enabled === false ? "reasoning.enabled" : "reasoning.effort";
    found.parameter(field, "the model always reasons");
  }
}

/** Writes how to reason. */
export function encodeReasoning(context: EncodeContext, config: Body): void {
  const { request, rules } = context;
  const { reasoning } = request;
  // A model that does not reason is already switched off, and refuses to be told.
  if (!reasoning || rules.refusal("reasoning", "reasoning")) return;
  const thinking: Body = new Map();
  const state = stateOf(request);
  if (state === "off") thinking.set("thinkingBudget", 0);
  else if (state === "on") encodeAmount(context, reasoning, thinking);
  encodeVisibility(context, reasoning, thinking);
  if (thinking.size > 0) config.set("thinkingConfig", thinking);
}

// A budget of nothing is what the wire calls off.
function stateOf({ reasoning }: ChatRequest): "off" | "on" | "unset" {
  if (!reasoning) return "unset";
  const { enabled, effort, budgetTokens } = reasoning;
  if (enabled === false || effort === Effort.NONE) return "off";
  if (enabled === true || effort !== Effort.UNSPECIFIED) return "on";
  if (budgetTokens === undefined) return "unset";
  return budgetTokens === 0 ? "off" : "on";
}

function encodeAmount(context: EncodeContext, reasoning: Reasoning, thinking: Body): void {
  const { thinking_control: control } = context.rules.settings;
  const { budgetTokens, effort } = reasoning;
  const hasEffort = effort !== Effort.UNSPECIFIED;
  if (!hasEffort && budgetTokens === undefined) {
    // Models that are told levels reason in any case.
    if (control === "budget") thinking.set("thinkingBudget", AS_THE_MODEL_LIKES);
    return;
  }
  const byBudget = budgetTokens !== undefined && (control === "budget" || (control === "either" && !hasEffort));
  if (byBudget) {
    encodeBudget(context, "reasoning.budget_tokens", budgetTokens, budgetTokens, thinking);
    if (hasEffort) leaveOut(context, "reasoning.effort", effortWord(effort), "the budget");
    return;
  }
  if (control === "budget") encodeEffortAsBudget(context, reasoning, thinking);
  else encodeLevel(context, reasoning, thinking);
  if (hasEffort && budgetTokens !== undefined) leaveOut(context, "reasoning.budget_tokens", budgetTokens, "the effort");
}

function leaveOut({ adaptations }: EncodeContext, field: string, requested: unknown, sent: string): void {
  adaptations.add(field, requested, undefined, `the provider takes either an effort or a budget; ${sent} is sent`);
}

function encodeEffortAsBudget(context: EncodeContext, reasoning: Reasoning, thinking: Body): void {
  const { field, requested, effort } = askedEffort(reasoning);
  encodeBudget(context, field, requested, BUDGET_OF[effort] ?? AS_THE_MODEL_LIKES, thinking);
}

function encodeBudget(
  { rules, adaptations }: EncodeContext,
  field: string,
  requested: unknown,
  budgetTokens: number,
  thinking: Body,
): void {
  const { min_thinking_budget: least, max_thinking_budget: most } = rules.settings;
  const floored = Math.max(budgetTokens, least);
  const budget = most > 0 ? Math.min(floored, most) : floored;
  thinking.set("thinkingBudget", budget);
  if (requested === budget) return;
  const reason =
    field === "reasoning.budget_tokens"
      ? `the model's budgets are ${least} to ${most} tokens`
      : "the model takes budgets of tokens instead of efforts; this is the effort's one";
  adaptations.add(field, requested, { thinkingBudget: budget }, reason, rules.quirkOf.get("thinking_control"));
}

function encodeLevel({ rules, adaptations }: EncodeContext, reasoning: Reasoning, thinking: Body): void {
  const asked = askedEffort(reasoning);
  const offered = rules.efforts ?? LEVELS;
  const level = snapEffort(asked.effort, offered);
  thinking.set("thinkingLevel", level.toUpperCase());
  if (asked.field !== "reasoning.effort") {
    const reason = "the model takes levels instead of budgets; this one is nearest";
    adaptations.add(asked.field, asked.requested, level, reason, rules.quirkOf.get("thinking_control"));
  } else if (level !== asked.effort) {
    const reason = `the model's efforts are ${offered.join(", ")}; this one is nearest`;
    adaptations.add(asked.field, asked.effort, level, reason, rules.quirkOf.get("efforts"));
  }
}

function encodeVisibility({ adaptations }: EncodeContext, { visibility }: Reasoning, thinking: Body): void {
  switch (visibility) {
    case ReasoningVisibility.OMITTED:
    case ReasoningVisibility.REDACTED:
      thinking.set("includeThoughts", false);
      return;
    case ReasoningVisibility.FULL:
      adaptations.add("reasoning.visibility", "FULL", "SUMMARY", "the provider shows summaries of reasoning only");
      thinking.set("includeThoughts", true);
      return;
    case ReasoningVisibility.SUMMARY:
      thinking.set("includeThoughts", true);
      return;
    default:
      return;
  }
}
