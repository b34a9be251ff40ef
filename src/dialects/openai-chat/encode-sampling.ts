import type { Capability } from "../../catalog/facts.ts";
import type { ChatRequest, Sampling } from "../../contract/index.ts";
import { RawJson } from "../json-text.ts";
import type { Refusal } from "../refusals.ts";
import { reasoningState } from "./rejected-while-reasoning.ts";
import type { TargetRules } from "./target-rules.ts";
import type { Body, EncodeContext, Unsupported } from "./encode-context.ts";

// One row per parameter: where it comes from, where it goes, and which value means the same as leaving it out.
interface Parameter {
  readonly field: string;
  readonly member: string;
  readonly capability: Capability | undefined;
  /** Only some vendors have added it. */
  readonly extension?: true;
  /** The value that changes nothing. */
  readonly neutral?: number;
  readonly read: (sampling: Sampling) => unknown;
}

const PARAMETERS: readonly Parameter[] = [
  {
    field: "sampling.frequency_penalty",
    member: "frequency_penalty",
    capability: "penalties",
    neutral: 0,
    read: (sampling) => sampling.frequencyPenalty,
  },
  {
    field: "sampling.presence_penalty",
    member: "presence_penalty",
    capability: "penalties",
    neutral: 0,
    read: (sampling) => sampling.presencePenalty,
  },
  {
    field: "sampling.top_k",
    member: "top_k",
    capability: "top_k",
    extension: true,
    neutral: 0,
    read: (sampling) => sampling.topK,
  },
  {
    field: "sampling.min_p",
    member: "min_p",
    capability: "min_p",
    extension: true,
    neutral: 0,
    read: (sampling) => sampling.minP,
  },
  {
    field: "sampling.repetition_penalty",
    member: "repetition_penalty",
    capability: "repetition_penalty",
    extension: true,
    neutral: 1,
    read: (sampling) => sampling.repetitionPenalty,
  },
  {
    field: "sampling.candidates",
    member: "n",
    capability: "candidates",
    neutral: 1,
    read: (sampling) => sampling.candidates,
  },
  {
    field: "sampling.logit_bias",
    member: "logit_bias",
    capability: "logit_bias",
    read: (sampling) => (Object.keys(sampling.logitBias).length > 0 ? sampling.logitBias : undefined),
  },
  {
    field: "sampling.stop",
    member: "stop",
    capability: "stop",
    read: (sampling) => (sampling.stop.length > 0 ? sampling.stop : undefined),
  },
];

/** Adds the binding sampling fields to `found` that the target cannot honour. */
export function findUnsupportedSampling(request: ChatRequest, rules: TargetRules, found: Unsupported): void {
  const { sampling } = request;
  if (!sampling) return;
  for (const parameter of PARAMETERS) {
    const value = parameter.read(sampling);
    if (value === undefined || value === parameter.neutral) continue;
    const refusal = refusalOf(parameter, rules);
    if (refusal) found.parameter(parameter.field, refusal.reason);
  }
  if (sampling.stop.length > rules.settings.max_stops) {
    found.parameter("sampling.stop", `the provider takes at most ${rules.settings.max_stops} stop sequences`);
  }
  if (sampling.maxOutputTokens !== undefined) {
    const refusal = rules.refusal("sampling.max_output_tokens");
    if (refusal) found.parameter("sampling.max_output_tokens", refusal.reason);
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
  if (sampling.maxOutputTokens !== undefined) body.set(rules.settings.max_tokens_field, sampling.maxOutputTokens);
  if (sampling.temperature !== undefined && !lockedRefusal("sampling.temperature", "temperature", request, rules)) {
    body.set("temperature", sampling.temperature);
  }
  if (sampling.topP !== undefined && !lockedRefusal("sampling.top_p", "top_p", request, rules)) {
    body.set("top_p", sampling.topP);
  }
  for (const parameter of PARAMETERS) {
    const value = parameter.read(sampling);
    // A neutral value says what its absence says, so that it may be left out where the target has no such field.
    if (value === undefined || (value === parameter.neutral && refusalOf(parameter, rules))) continue;
    body.set(parameter.member, value);
  }
  if (asksLogprobs(sampling)) body.set("logprobs", true);
  if (sampling.topLogprobs !== undefined && sampling.topLogprobs > 0) body.set("top_logprobs", sampling.topLogprobs);
  if (sampling.seed !== undefined) {
    const refusal = rules.refusal("sampling.seed", "seed");
    const tooLow = rules.settings.seed_field === "random_seed" && sampling.seed < 0n;
    if (refusal) adaptations.add("sampling.seed", sampling.seed, undefined, refusal.reason, refusal.quirkId);
    else if (tooLow) adaptations.add("sampling.seed", sampling.seed, undefined, "the provider takes no seed below 0");
    else body.set(rules.settings.seed_field, new RawJson(sampling.seed.toString()));
  }
}

function refusalOf(parameter: Parameter, rules: TargetRules): Refusal | undefined {
  if (parameter.extension && parameter.capability) return rules.extensionRefusal(parameter.field, parameter.capability);
  return rules.refusal(parameter.field, parameter.capability);
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
