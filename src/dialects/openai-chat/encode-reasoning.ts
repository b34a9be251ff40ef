import { Effort, ReasoningVisibility, type ChatRequest, type Reasoning } from "../../contract/index.ts";
import type { Body, EncodeContext, Unsupported, WireObject } from "./encode-context.ts";
import { askedFields, reasoningState, willReason } from "./rejected-while-reasoning.ts";
import type { TargetRules } from "./target-rules.ts";

const EFFORT_WORDS: Readonly<Record<number, string>> = {
  [Effort.NONE]: "none",
  [Effort.MINIMAL]: "minimal",
  [Effort.LOW]: "low",
  [Effort.MEDIUM]: "medium",
  [Effort.HIGH]: "high",
  [Effort.XHIGH]: "xhigh",
  [Effort.MAX]: "max",
};

const LADDER = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

// Ways of asking that have a switch of their own, so that no effort has to stand for it.
const SWITCHES: ReadonlySet<string> = new Set(["thinking", "enable_thinking", "template"]);

// A budget in tokens as an effort: the figures at which Anthropic-style and OpenAI-style controls are commonly equated.
const BUDGET_STEPS: readonly (readonly [maxTokens: number, effort: string])[] = [
  [1024, "minimal"],
  [4096, "low"],
  [16_384, "medium"],
  [32_768, "high"],
];

/** Adds to `found` where the target cannot be told whether to reason. */
export function findUnsupportedReasoning(request: ChatRequest, rules: TargetRules, found: Unsupported): void {
  findRejectedWhileReasoning(request, rules, found);
  const state = reasoningState(request);
  if (state === "unset") return;
  const refusal = rules.refusal("reasoning", "reasoning");
  if (refusal) {
    if (state === "on") found.capability("reasoning", refusal.reason);
    return;
  }
  if (state === "on") return;
  const field = request.reasoning?.enabled === false ? "reasoning.enabled" : "reasoning.effort";
  const { efforts } = rules;
  const style = rules.settings.reasoning_request;
  if (rules.settings.reasons === "always") found.parameter(field, "the model always reasons");
  else if (SWITCHES.has(style)) return;
  else if (style === "none" || rules.refusal(field, "reasoning_effort")) {
    found.parameter(field, "the provider has no way to switch reasoning off");
  } else if (efforts && !efforts.includes("none")) {
    found.parameter(field, `the model always reasons; its efforts are ${efforts.join(", ")}`);
  }
}

function findRejectedWhileReasoning(request: ChatRequest, { settings }: TargetRules, found: Unsupported): void {
  if (settings.rejects_while_reasoning === "" || !willReason(request, settings.reasons)) return;
  const escape = settings.reasons === "always" ? "" : "; switch reasoning off with reasoning.enabled = false";
  for (const field of askedFields(request, settings.rejects_while_reasoning)) {
    found.parameter(field, `the model does not honour it while it reasons${escape}`);
  }
}

/** Writes how to reason. */
export function encodeReasoning(context: EncodeContext, body: Body): void {
  const { request, rules } = context;
  const { reasoning } = request;
  if (!reasoning) return;
  const state = reasoningState(request);
  // A model that does not reason is already switched off.
  if (state !== "unset" && rules.refusal("reasoning", "reasoning")) return;
  if (rules.settings.reasoning_request === "object") {
    encodeObject(context, reasoning, state, body);
    return;
  }
  encodeVisibility(context, reasoning);
  if (state === "unset") return;
  if (SWITCHES.has(rules.settings.reasoning_request)) {
    encodeSwitch(context, reasoning, state, body);
    return;
  }
  if (state === "off") {
    body.set("reasoning_effort", "none");
    return;
  }
  encodeEffort(context, reasoning, body);
}

function encodeEffort({ rules, adaptations }: EncodeContext, reasoning: Reasoning, body: Body): void {
  const asked = askedEffort(reasoning);
  const refusal = rules.refusal("reasoning.effort", "reasoning_effort");
  if (rules.settings.reasoning_request === "none" || refusal) {
    const reason = refusal?.reason ?? "the provider has no control of how much the model reasons";
    adaptations.add(asked.field, asked.requested, undefined, reason, refusal?.quirkId);
    return;
  }
  const effort = snapEffort(asked.effort, rules.efforts);
  body.set("reasoning_effort", effort);
  if (asked.field !== "reasoning.effort") {
    const reason = "the wire format has efforts only; this one is nearest";
    adaptations.add(asked.field, asked.requested, effort, reason);
  } else if (effort !== asked.effort) {
    const reason = `the model's efforts are ${(rules.efforts ?? []).join(", ")}; this one is nearest`;
    adaptations.add(asked.field, asked.effort, effort, reason, rules.quirkOf.get("efforts"));
  }
  if (reasoning.budgetTokens !== undefined && asked.field !== "reasoning.budget_tokens") {
    const reason = "the wire format has no budget of reasoning; the effort stands for it";
    adaptations.add("reasoning.budget_tokens", reasoning.budgetTokens, undefined, reason);
  }
}

function encodeSwitch(context: EncodeContext, reasoning: Reasoning, state: string, body: Body): void {
  const { settings, efforts } = context.rules;
  const on = state === "on";
  if (settings.reasoning_request === "thinking") {
    // A model that always reasons has nothing to switch.
    if (settings.reasons !== "always") body.set("thinking", { type: on ? "enabled" : "disabled" });
  } else if (settings.reasoning_request === "enable_thinking") body.set("enable_thinking", on);
  else body.set("chat_template_kwargs", { enable_thinking: on });
  if (!on) return;
  const { budgetTokens } = reasoning;
  if (budgetTokens !== undefined && settings.thinking_budget) body.set("thinking_budget", budgetTokens);
  if (efforts && efforts.length > 0 && settings.reasoning_request === "thinking") {
    if (reasoning.effort !== Effort.UNSPECIFIED || budgetTokens !== undefined) encodeEffort(context, reasoning, body);
    return;
  }
  const reason = "the provider can only be told whether to reason";
  const word = EFFORT_WORDS[reasoning.effort];
  if (word !== undefined) context.adaptations.add("reasoning.effort", word, undefined, reason);
  if (budgetTokens !== undefined && !settings.thinking_budget) {
    context.adaptations.add("reasoning.budget_tokens", budgetTokens, undefined, reason);
  }
}

function encodeObject(context: EncodeContext, reasoning: Reasoning, state: string, body: Body): void {
  const wire: WireObject = {};
  if (state === "off") wire["enabled"] = false;
  else if (reasoning.budgetTokens !== undefined) wire["max_tokens"] = reasoning.budgetTokens;
  else if (reasoning.effort !== Effort.UNSPECIFIED) {
    const asked = EFFORT_WORDS[reasoning.effort] ?? "medium";
    const effort = snapEffort(asked, context.rules.efforts);
    wire["effort"] = effort;
    if (effort !== asked) {
      context.adaptations.add(
        "reasoning.effort",
        asked,
        effort,
        "the model's efforts do not include the requested one",
      );
    }
  } else if (state === "on") wire["enabled"] = true;
  if (state === "on" && reasoning.budgetTokens !== undefined && reasoning.effort !== Effort.UNSPECIFIED) {
    const reason = "the provider takes either an effort or a budget; the budget is sent";
    context.adaptations.add("reasoning.effort", EFFORT_WORDS[reasoning.effort], undefined, reason);
  }
  if (reasoning.visibility === ReasoningVisibility.OMITTED) wire["exclude"] = true;
  else encodeVisibility(context, reasoning);
  if (Object.keys(wire).length > 0) body.set("reasoning", wire);
}

function encodeVisibility(context: EncodeContext, reasoning: Reasoning): void {
  if (reasoning.visibility === ReasoningVisibility.UNSPECIFIED) return;
  const requested = Object.entries(ReasoningVisibility).find(([, value]) => value === reasoning.visibility)?.[0];
  const reason = "the wire format cannot say how much of the reasoning to show";
  context.adaptations.add("reasoning.visibility", requested, undefined, reason);
}

interface AskedEffort {
  readonly field: string;
  readonly requested: unknown;
  readonly effort: string;
}

function askedEffort(reasoning: Reasoning): AskedEffort {
  const word = EFFORT_WORDS[reasoning.effort];
  if (word !== undefined) return { field: "reasoning.effort", requested: word, effort: word };
  const budget = reasoning.budgetTokens;
  if (budget !== undefined) {
    const step = BUDGET_STEPS.find(([maxTokens]) => budget <= maxTokens);
    return { field: "reasoning.budget_tokens", requested: budget, effort: step?.[1] ?? "xhigh" };
  }
  return { field: "reasoning.enabled", requested: true, effort: "medium" };
}

// The nearest effort of the model, the lesser one of two; never none, which would switch reasoning off.
function snapEffort(asked: string, efforts: readonly string[] | undefined): string {
  const offered = efforts?.filter((effort) => effort !== "none");
  if (!offered || offered.length === 0 || offered.includes(asked)) return asked;
  const place = LADDER.indexOf(asked);
  const distance = (effort: string): number => Math.abs(LADDER.indexOf(effort) - place);
  return offered.reduce((best, effort) => (distance(effort) < distance(best) ? effort : best));
}
