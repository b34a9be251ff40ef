import { Effort, ReasoningVisibility, type ChatRequest, type Reasoning } from "../../contract/index.ts";
import type { UnsupportedFields } from "../refusals.ts";
import type { Body, EncodeContext } from "./encode-context.ts";
import type { TargetRules } from "./target-rules.ts";
import type { Turn } from "./wire-turns.ts";

const EFFORT_WORDS: Readonly<Record<number, string>> = {
  [Effort.MINIMAL]: "minimal",
  [Effort.LOW]: "low",
  [Effort.MEDIUM]: "medium",
  [Effort.HIGH]: "high",
  [Effort.XHIGH]: "xhigh",
  [Effort.MAX]: "max",
};

const LADDER = ["minimal", "low", "medium", "high", "xhigh", "max"];
const WIRE_EFFORTS = ["low", "medium", "high", "xhigh", "max"];

// An effort as a budget in tokens and back: the figures at which the two kinds of control are commonly equated.
const BUDGETS: readonly (readonly [effort: string, tokens: number])[] = [
  ["minimal", 1024],
  ["low", 4096],
  ["medium", 16_384],
  ["high", 32_768],
  ["xhigh", 65_536],
  ["max", 131_072],
];

const LEAST_BUDGET_TOKENS = 1024;
/** The share of the output limit that a budget of our choice may take, so that an answer has room. */
const BUDGET_SHARE = 0.8;

/** What a request says about reasoning as such: off, on, or nothing. */
export function reasoningState(request: ChatRequest): "off" | "on" | "unset" {
  const { reasoning } = request;
  if (!reasoning) return "unset";
  if (reasoning.enabled === false || reasoning.effort === Effort.NONE) return "off";
  const asked = reasoning.enabled === true || reasoning.effort !== Effort.UNSPECIFIED;
  return asked || reasoning.budgetTokens !== undefined ? "on" : "unset";
}

/** Adds to `found` where the target cannot be told whether to reason. */
export function findUnsupportedReasoning(request: ChatRequest, rules: TargetRules, found: UnsupportedFields): void {
  const state = reasoningState(request);
  if (state === "unset") return;
  const refusal = rules.refusal("reasoning", "reasoning");
  const { thinking, thinking_off: off } = rules.settings;
  if (state === "on") {
    const hasNone = thinking === "none" ? "the provider has no way to switch reasoning on" : undefined;
    const reason = refusal?.reason ?? hasNone;
    if (reason !== undefined) found.capability("reasoning", reason);
    else if (usesBudget(request, rules) && (request.sampling?.maxOutputTokens ?? Infinity) <= LEAST_BUDGET_TOKENS) {
      found.parameter(
        "sampling.max_output_tokens",
        `the model reasons with at least ${LEAST_BUDGET_TOKENS} tokens, which count as output`,
      );
    }
    return;
  }
  const field = request.reasoning?.enabled === false ? "reasoning.enabled" : "reasoning.effort";
  if (!refusal && off === "never") found.parameter(field, "the model always reasons");
}

/** Writes how to reason, given the turns and the output limit as they go out. */
export function encodeReasoning(context: EncodeContext, turns: readonly Turn[], maxTokens: number, body: Body): void {
  const { request, rules, adaptations } = context;
  const { reasoning } = request;
  if (!reasoning) return;
  const state = reasoningState(request);
  // A model that does not reason is already switched off.
  const cannot = state !== "unset" && rules.refusal("reasoning", "reasoning") !== undefined;
  if (state === "off" && !cannot && rules.settings.thinking_off === "disabled")
    body.set("thinking", { type: "disabled" });
  if (state !== "on" || cannot) {
    tellVisibility(context, reasoning, "the wire format says how much reasoning is shown only where it is switched on");
    return;
  }
  if (usesBudget(request, rules)) {
    if (hasLostState(turns)) {
      const reason =
        "STATE_NOT_PORTABLE: the calls that are being answered came without their signed reasoning, without which the " +
        "provider takes no further reasoning; it is off for this answer";
      adaptations.add("reasoning", undefined, { type: "disabled" }, reason);
      return;
    }
    const budget = wireBudget(context, reasoning, maxTokens);
    body.set("thinking", { type: "enabled", budget_tokens: budget, display: wireDisplay(context, reasoning) });
  } else body.set("thinking", { type: "adaptive", display: wireDisplay(context, reasoning) });
}

/** The effort on the wire; undefined: the provider's default. */
export function wireEffort(context: EncodeContext): string | undefined {
  const { request, rules, adaptations } = context;
  const { reasoning } = request;
  if (!reasoning || reasoningState(request) !== "on") return undefined;
  const refusal = rules.refusal("reasoning.effort", "reasoning_effort");
  const isBudget = usesBudget(request, rules);
  const word = EFFORT_WORDS[reasoning.effort];
  if (word === undefined) {
    if (reasoning.budgetTokens === undefined || isBudget) return undefined;
    const reason = "the model reasons as much as its effort says and takes no budget; this effort is nearest";
    const snapped = snapEffort(effortOf(reasoning.budgetTokens), rules.efforts);
    const sent = refusal || !rules.settings.effort ? undefined : snapped;
    adaptations.add("reasoning.budget_tokens", reasoning.budgetTokens, sent, reason);
    return sent;
  }
  if (!isBudget && reasoning.budgetTokens !== undefined) {
    const reason = "the model takes no budget of reasoning; the effort stands for it";
    adaptations.add("reasoning.budget_tokens", reasoning.budgetTokens, undefined, reason);
  }
  if (refusal || !rules.settings.effort) {
    // A budget is what tells such a model how much to reason.
    if (isBudget && reasoning.budgetTokens === undefined) return undefined;
    const reason = refusal?.reason ?? "the model takes no effort";
    adaptations.add("reasoning.effort", word, undefined, reason, refusal?.quirkId);
    return undefined;
  }
  const effort = snapEffort(word, rules.efforts);
  if (effort !== word) {
    const reason = `the model's efforts are ${(rules.efforts ?? WIRE_EFFORTS).join(", ")}; this one is nearest`;
    adaptations.add("reasoning.effort", word, effort, reason, rules.quirkOf.get("efforts"));
  }
  return effort;
}

function usesBudget({ reasoning }: ChatRequest, { settings }: TargetRules): boolean {
  return settings.thinking === "budget" || (settings.thinking === "both" && reasoning?.budgetTokens !== undefined);
}

function wireBudget({ adaptations, rules }: EncodeContext, reasoning: Reasoning, maxTokens: number): number {
  const asked = reasoning.budgetTokens;
  const most = Math.max(LEAST_BUDGET_TOKENS, maxTokens - 1);
  if (asked !== undefined) {
    const budget = Math.min(Math.max(asked, LEAST_BUDGET_TOKENS), most);
    const reason = `the provider takes budgets from ${LEAST_BUDGET_TOKENS} tokens to less than the output limit`;
    if (budget !== asked) adaptations.add("reasoning.budget_tokens", asked, budget, reason);
    return budget;
  }
  const word = EFFORT_WORDS[reasoning.effort];
  const wanted = BUDGETS.find(([effort]) => effort === (word ?? "medium"))?.[1] ?? LEAST_BUDGET_TOKENS;
  const budget = Math.max(LEAST_BUDGET_TOKENS, Math.min(wanted, Math.floor(maxTokens * BUDGET_SHARE), most));
  const hasEffort = word !== undefined && rules.settings.effort;
  if (!hasEffort) {
    const field = word === undefined ? "reasoning.enabled" : "reasoning.effort";
    const reason = "the model reasons by a budget of tokens; this one stands for it";
    adaptations.add(field, word ?? true, { budget_tokens: budget }, reason);
  }
  return budget;
}

function effortOf(budget: number): string {
  return BUDGETS.find(([, tokens]) => budget <= tokens)?.[0] ?? "max";
}

// The nearest effort of the model, the lesser one of two.
function snapEffort(asked: string, offered: readonly string[] | undefined): string {
  const efforts = offered?.filter((effort) => LADDER.includes(effort)) ?? WIRE_EFFORTS;
  if (efforts.length === 0 || efforts.includes(asked)) return asked;
  const distance = (effort: string): number => Math.abs(LADDER.indexOf(effort) - LADDER.indexOf(asked));
  return efforts.reduce((best, effort) => (distance(effort) < distance(best) ? effort : best));
}

function wireDisplay(context: EncodeContext, reasoning: Reasoning): string | undefined {
  const { visibility } = reasoning;
  if (visibility === ReasoningVisibility.UNSPECIFIED) return undefined;
  if (!context.rules.settings.thinking_display) {
    tellVisibility(context, reasoning, "the model cannot be told how much of its reasoning to show");
    return undefined;
  }
  if (visibility === ReasoningVisibility.OMITTED || visibility === ReasoningVisibility.REDACTED) return "omitted";
  if (visibility === ReasoningVisibility.FULL) {
    context.adaptations.add(
      "reasoning.visibility",
      "FULL",
      "summarized",
      "the provider shows summaries of reasoning only",
    );
  }
  return "summarized";
}

function tellVisibility({ adaptations }: EncodeContext, { visibility }: Reasoning, reason: string): void {
  if (visibility === ReasoningVisibility.UNSPECIFIED) return;
  const requested = Object.entries(ReasoningVisibility).find(([, value]) => value === visibility)?.[0];
  adaptations.add("reasoning.visibility", requested, undefined, reason);
}

/** Whether calls are being answered whose reasoning is not there, which reasoning by budget demands. */
function hasLostState(turns: readonly Turn[]): boolean {
  const last = turns.findLast(({ role }) => role !== "system");
  if (!last || !answersCalls(last)) return false;
  const question = turns.findLastIndex((turn) => turn.role === "user" && !answersCalls(turn));
  const first = turns.slice(question + 1).find(({ role }) => role === "assistant")?.content[0]?.["type"];
  return first !== "thinking" && first !== "redacted_thinking";
}

function answersCalls({ role, content }: Turn): boolean {
  return role === "user" && content.some((block) => block["type"] === "tool_result");
}
