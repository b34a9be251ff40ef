import type { Capability } from "../../catalog/facts.ts";
import type { ChatRequest, Sampling } from "../../contract/index.ts";
import { reasoningState } from "../efforts.ts";
import { RawJson } from "../json-text.ts";
import { addInclude } from "./encode-reasoning.ts";
import type { Body, EncodeContext, Unsupported } from "./encode-context.ts";
import type { Refusal, TargetRules } from "./target-rules.ts";

// What the format lacks and some servers take all the same: where it comes from, and which value says nothing.
interface FurtherParameter {
  readonly field: string;
  readonly member: string;
  readonly capability: Capability;
  readonly neutral?: number;
  readonly read: (sampling: Sampling) => unknown;
}

const FURTHER: readonly FurtherParameter[] = [
  {
    field: "sampling.stop",
    member: "stop",
    capability: "stop",
    read: ({ stop }) => (stop.length > 0 ? stop : undefined),
  },
  { field: "sampling.candidates", member: "n", capability: "candidates", neutral: 1, read: (s) => s.candidates },
  {
    field: "sampling.frequency_penalty",
    member: "frequency_penalty",
    capability: "penalties",
    neutral: 0,
    read: (s) => s.frequencyPenalty,
  },
  {
    field: "sampling.presence_penalty",
    member: "presence_penalty",
    capability: "penalties",
    neutral: 0,
    read: (s) => s.presencePenalty,
  },
  {
    field: "sampling.repetition_penalty",
    member: "repetition_penalty",
    capability: "repetition_penalty",
    neutral: 1,
    read: (s) => s.repetitionPenalty,
  },
  { field: "sampling.top_k", member: "top_k", capability: "top_k", neutral: 0, read: (s) => s.topK },
  { field: "sampling.min_p", member: "min_p", capability: "min_p", neutral: 0, read: (s) => s.minP },
  {
    field: "sampling.logit_bias",
    member: "logit_bias",
    capability: "logit_bias",
    read: ({ logitBias }) => (Object.keys(logitBias).length > 0 ? logitBias : undefined),
  },
];

/** Adds the binding sampling fields to `found` that the target cannot honour. */
export function findUnsupportedSampling(request: ChatRequest, rules: TargetRules, found: Unsupported): void {
  const { sampling } = request;
  if (!sampling) return;
  for (const parameter of FURTHER) {
    const value = parameter.read(sampling);
    if (value === undefined || value === parameter.neutral) continue;
    const refusal = rules.furtherRefusal(parameter.field, parameter.member, parameter.capability);
    if (refusal) found.parameter(parameter.field, refusal.reason);
  }
  const { maxOutputTokens } = sampling;
  if (maxOutputTokens !== undefined) {
    const field = "sampling.max_output_tokens";
    const least = rules.settings.min_output_tokens;
    const refusal = rules.refusal(field);
    if (refusal) found.parameter(field, refusal.reason);
    else if (maxOutputTokens < least) found.parameter(field, `the provider takes no limit below ${least} tokens`);
  }
  for (const [field, asked, capability] of lockable(sampling)) {
    const refusal = asked ? lockedRefusal(field, capability, request, rules) : undefined;
    if (refusal) found.parameter(field, refusal.reason);
  }
}

/** Writes the sampling fields; those that `findUnsupportedSampling` refuses are not there. */
export function encodeSampling(context: EncodeContext, body: Body): void {
  const { request, rules, adaptations } = context;
  const { sampling } = request;
  if (!sampling) return;
  if (sampling.maxOutputTokens !== undefined) body.set("max_output_tokens", sampling.maxOutputTokens);
  if (sampling.temperature !== undefined && !lockedRefusal("sampling.temperature", "temperature", request, rules)) {
    body.set("temperature", sampling.temperature);
  }
  if (sampling.topP !== undefined && !lockedRefusal("sampling.top_p", "top_p", request, rules)) {
    body.set("top_p", sampling.topP);
  }
  for (const parameter of FURTHER) {
    const value = parameter.read(sampling);
    // A neutral value says what its absence says.
    if (value === undefined || rules.furtherRefusal(parameter.field, parameter.member, parameter.capability)) continue;
    body.set(parameter.member, value);
  }
  if (asksLogprobs(sampling)) {
    addInclude(body, "message.output_text.logprobs");
    if (sampling.topLogprobs !== undefined && sampling.topLogprobs > 0) body.set("top_logprobs", sampling.topLogprobs);
  }
  if (sampling.seed !== undefined) {
    const refusal = rules.furtherRefusal("sampling.seed", "seed", "seed");
    if (refusal) adaptations.add("sampling.seed", sampling.seed, undefined, refusal.reason, refusal.quirkId);
    else body.set("seed", new RawJson(sampling.seed.toString()));
  }
}

function asksLogprobs(sampling: Sampling): boolean {
  return sampling.logprobs === true || (sampling.topLogprobs ?? 0) > 0;
}

// Reasoning models lock these at their defaults; temperature 1 and top_p 1 are those defaults.
function lockable(sampling: Sampling): readonly [field: string, asked: boolean, capability: Capability][] {
  return [
    ["sampling.temperature", sampling.temperature !== undefined && sampling.temperature !== 1, "temperature"],
    ["sampling.top_p", sampling.topP !== undefined && sampling.topP !== 1, "top_p"],
    ["sampling.logprobs", asksLogprobs(sampling), "logprobs"],
  ];
}

function lockedRefusal(
  field: string,
  capability: Capability,
  request: ChatRequest,
  rules: TargetRules,
): Refusal | undefined {
  const refusal = rules.refusal(field, capability);
  if (refusal) return refusal;
  const { sampling_with: allowed } = rules.settings;
  if (allowed === "any") return undefined;
  const state = reasoningState(request);
  if (allowed !== "default" && state === "off") return undefined;
  if (allowed === "effort_unset" && state === "unset") return undefined;
  const quirkId = rules.quirkOf.get("sampling_with");
  const reason =
    allowed === "default"
      ? "the model accepts only the default value"
      : "the model accepts only the default value while it reasons; switch reasoning off with reasoning.enabled = false";
  return { reason, ...(quirkId === undefined ? {} : { quirkId }) };
}
