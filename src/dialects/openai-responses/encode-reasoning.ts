import { ReasoningVisibility, type ChatRequest, type Reasoning } from "../../contract/index.ts";
import { askedEffort, reasoningState, snapEffort } from "../efforts.ts";
import type { Body, EncodeContext, Unsupported, WireObject } from "./encode-context.ts";
import type { TargetRules } from "./target-rules.ts";

/** Adds to `found` where the target cannot be told whether to reason. */
export function findUnsupportedReasoning(request: ChatRequest, rules: TargetRules, found: Unsupported): void {
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
  if (rules.settings.reasoning_request === "none" || rules.refusal(field, "reasoning_effort")) {
    found.parameter(field, "the provider has no way to switch reasoning off");
  } else if (efforts && !efforts.includes("none")) {
    found.parameter(field, `the model always reasons; its efforts are ${efforts.join(", ")}`);
  }
}

/** Writes how to reason, and asks for the state without which reasoning cannot be sent back. */
export function encodeReasoning(context: EncodeContext, body: Body): void {
  const { request, rules } = context;
  const isRefused = rules.refusal("reasoning", "reasoning") !== undefined;
  if (rules.settings.encrypted_reasoning && !isRefused) addInclude(body, "reasoning.encrypted_content");
  const { reasoning } = request;
  // A model that does not reason is already switched off.
  if (!reasoning || isRefused) return;
  const effort = effortOf(context, reasoning);
  const summary = summaryOf(context, reasoning);
  if (effort !== undefined || summary !== undefined) body.set("reasoning", { effort, summary } satisfies WireObject);
}

/** Adds a word to the list of what answers are to include. */
export function addInclude(body: Body, word: string): void {
  const before = body.get("include");
  const words = Array.isArray(before) ? (before as unknown[]) : [];
  if (!words.includes(word)) body.set("include", [...words, word]);
}

function effortOf({ request, rules, adaptations }: EncodeContext, reasoning: Reasoning): string | undefined {
  const state = reasoningState(request);
  if (state === "unset") return undefined;
  if (state === "off") return "none";
  const asked = askedEffort(reasoning);
  const refusal = rules.refusal("reasoning.effort", "reasoning_effort");
  if (rules.settings.reasoning_request === "none" || refusal) {
    const reason = refusal?.reason ?? "the provider has no control of how much the model reasons";
    adaptations.add(asked.field, asked.requested, undefined, reason, refusal?.quirkId);
    return undefined;
  }
  const effort = snapEffort(asked.effort, rules.efforts);
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
  return effort;
}

// Summaries are all that can be asked for; without being asked the provider shows nothing.
function summaryOf({ rules, adaptations }: EncodeContext, { visibility }: Reasoning): string | undefined {
  const name = Object.entries(ReasoningVisibility).find(([, value]) => value === visibility)?.[0];
  switch (visibility) {
    case ReasoningVisibility.UNSPECIFIED:
    case ReasoningVisibility.OMITTED:
      return undefined;
    case ReasoningVisibility.SUMMARY:
    case ReasoningVisibility.FULL: {
      const refusal = rules.refusal("reasoning.visibility");
      if (refusal || !rules.settings.reasoning_summary) {
        const reason = refusal?.reason ?? "the provider cannot be asked to show its reasoning";
        adaptations.add("reasoning.visibility", name, undefined, reason, refusal?.quirkId);
        return undefined;
      }
      if (visibility === ReasoningVisibility.SUMMARY) return "auto";
      const reason = "the wire format can ask for summaries of reasoning only";
      adaptations.add("reasoning.visibility", name, "SUMMARY", reason);
      return "detailed";
    }
    default:
      adaptations.add("reasoning.visibility", name, undefined, "the wire format cannot ask for this");
      return undefined;
  }
}
