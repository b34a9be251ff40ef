import type { Capability } from "../../catalog/facts.ts";
import type { ChatRequest, Sampling } from "../../contract/index.ts";
import type { UnsupportedFields } from "../refusals.ts";
import { reasoningState } from "./encode-reasoning.ts";
import type { Body, EncodeContext } from "./encode-context.ts";
import type { TargetRules } from "./target-rules.ts";

const LEAST_TOP_P_BESIDE_REASONING = 0.95;
const LEAST_TOP_P_OF_DEFAULT = 0.99;

/** Adds the binding sampling fields to `found` that the target cannot honour. */
export function findUnsupportedSampling(request: ChatRequest, rules: TargetRules, found: UnsupportedFields): void {
  const { sampling } = request;
  if (!sampling) return;
  findMissing(sampling, found);
  const { temperature, topP, topK, stop } = sampling;
  const isOn = reasoningState(request) === "on";
  const isDefault = rules.settings.sampling === "default";
  if (temperature !== undefined && temperature !== 1) {
    refuse("temperature", "temperature", isDefault || isOn ? locked(isDefault) : rangeOf(temperature), rules, found);
  }
  if (topP !== undefined && topP !== 1) {
    const least = isDefault ? LEAST_TOP_P_OF_DEFAULT : LEAST_TOP_P_BESIDE_REASONING;
    refuse("top_p", "top_p", (isDefault || isOn) && topP < least ? locked(isDefault) : undefined, rules, found);
  }
  if (topK !== undefined && topK > 0) {
    refuse("top_k", "top_k", isDefault || isOn ? locked(isDefault) : undefined, rules, found);
  }
  const isBoth = temperature !== undefined && temperature !== 1 && topP !== undefined && topP !== 1;
  if (isBoth && rules.settings.sampling === "one_of") {
    found.parameter("sampling.top_p", "the model takes either a temperature or top_p");
  }
  if (stop.length > 0) {
    const isBlank = stop.some((text) => text.trim() === "");
    refuse("stop", "stop", isBlank ? "the provider takes no blank stop sequences" : undefined, rules, found);
  }
  if (sampling.maxOutputTokens !== undefined) {
    refuse("max_output_tokens", undefined, undefined, rules, found);
  }
}

// What the wire has no member for. A neutral value says what its absence says.
function findMissing(sampling: Sampling, found: UnsupportedFields): void {
  const asked: readonly (readonly [field: string, isAsked: boolean])[] = [
    ["min_p", (sampling.minP ?? 0) !== 0],
    ["frequency_penalty", (sampling.frequencyPenalty ?? 0) !== 0],
    ["presence_penalty", (sampling.presencePenalty ?? 0) !== 0],
    ["repetition_penalty", (sampling.repetitionPenalty ?? 1) !== 1],
    ["candidates", (sampling.candidates ?? 1) !== 1],
    ["logit_bias", Object.keys(sampling.logitBias).length > 0],
    ["logprobs", sampling.logprobs === true],
    ["top_logprobs", (sampling.topLogprobs ?? 0) > 0],
  ];
  for (const [field, isAsked] of asked) {
    if (isAsked) found.parameter(`sampling.${field}`, "the wire format has no such field");
  }
}

function refuse(
  name: string,
  capability: Capability | undefined,
  problem: string | undefined,
  rules: TargetRules,
  found: UnsupportedFields,
): void {
  const reason = rules.refusal(`sampling.${name}`, capability)?.reason ?? problem;
  if (reason !== undefined) found.parameter(`sampling.${name}`, reason);
}

function locked(isDefault: boolean): string {
  return isDefault
    ? "the model accepts only the default value"
    : "the model accepts only the default value while it reasons; switch reasoning off with reasoning.enabled = false";
}

function rangeOf(temperature: number): string | undefined {
  return temperature > 1 ? "the provider takes temperatures from 0 to 1" : undefined;
}

/** The output limit, which the wire requires. */
export function outputLimit({ request, rules, adaptations }: EncodeContext): number {
  const asked = request.sampling?.maxOutputTokens;
  if (asked !== undefined) return asked;
  const known = rules.facts.maxOutputTokens;
  if (known !== undefined) return known;
  const limit = rules.settings.default_max_tokens;
  const reason = "the provider demands an output limit, and the model's own is not known";
  adaptations.add("sampling.max_output_tokens", undefined, limit, reason);
  return limit;
}

/** Writes the sampling fields; those that `findUnsupportedSampling` refuses are not there. */
export function encodeSampling({ request, rules, adaptations }: EncodeContext, body: Body): void {
  const { sampling } = request;
  if (!sampling) return;
  const { temperature, topP, topK } = sampling;
  const { sampling: allowed } = rules.settings;
  // A default value says what its absence says; where only one may be set, it gives way.
  const isOneOf = allowed === "one_of" && temperature !== undefined && topP !== undefined;
  const sendsTemperature = allowed !== "default" && !(isOneOf && temperature === 1);
  if (sampling.stop.length > 0) body.set("stop_sequences", sampling.stop);
  if (temperature !== undefined && sendsTemperature) body.set("temperature", temperature);
  const sendsTopP = !(allowed === "default" && topP === 1) && !(isOneOf && sendsTemperature);
  if (topP !== undefined && sendsTopP) body.set("top_p", topP);
  if (topK !== undefined && topK > 0) body.set("top_k", topK);
  if (sampling.seed !== undefined) {
    adaptations.add("sampling.seed", sampling.seed, undefined, "the wire format has no seed");
  }
}
