import type { Capability } from "../../catalog/facts.ts";
import type { ChatRequest, Sampling } from "../../contract/index.ts";
import type { Body, EncodeContext, Unsupported } from "./encode-context.ts";
import type { Refusal } from "../refusals.ts";
import type { TargetRules } from "./target-rules.ts";

// One row per parameter: where it comes from, where it goes, and which value means the same as leaving it out.
interface Parameter {
  readonly field: string;
  /** Undefined: the wire format has no such parameter. */
  readonly member: string | undefined;
  readonly capability: Capability | undefined;
  /** The value that changes nothing. */
  readonly neutral?: number;
  readonly read: (sampling: Sampling) => unknown;
}

const PARAMETERS: readonly Parameter[] = [
  {
    field: "sampling.temperature",
    member: "temperature",
    capability: "temperature",
    neutral: 1,
    read: (sampling) => sampling.temperature,
  },
  { field: "sampling.top_p", member: "topP", capability: "top_p", neutral: 1, read: (sampling) => sampling.topP },
  {
    field: "sampling.top_k",
    member: "topK",
    capability: "top_k",
    // No token is among the likeliest none: zero is how callers of other formats say that there is no limit.
    read: (sampling) => (sampling.topK === 0 ? undefined : sampling.topK),
  },
  { field: "sampling.min_p", member: undefined, capability: "min_p", neutral: 0, read: (sampling) => sampling.minP },
  {
    field: "sampling.repetition_penalty",
    member: undefined,
    capability: "repetition_penalty",
    neutral: 1,
    read: (sampling) => sampling.repetitionPenalty,
  },
  {
    field: "sampling.logit_bias",
    member: undefined,
    capability: "logit_bias",
    read: (sampling) => (Object.keys(sampling.logitBias).length > 0 ? sampling.logitBias : undefined),
  },
  {
    field: "sampling.frequency_penalty",
    member: "frequencyPenalty",
    capability: "penalties",
    neutral: 0,
    read: (sampling) => sampling.frequencyPenalty,
  },
  {
    field: "sampling.presence_penalty",
    member: "presencePenalty",
    capability: "penalties",
    neutral: 0,
    read: (sampling) => sampling.presencePenalty,
  },
  {
    field: "sampling.candidates",
    member: "candidateCount",
    capability: "candidates",
    neutral: 1,
    read: (sampling) => sampling.candidates,
  },
  {
    field: "sampling.max_output_tokens",
    member: "maxOutputTokens",
    capability: undefined,
    read: (sampling) => sampling.maxOutputTokens,
  },
  {
    field: "sampling.stop",
    member: "stopSequences",
    capability: "stop",
    read: (sampling) => (sampling.stop.length > 0 ? sampling.stop : undefined),
  },
  {
    field: "sampling.logprobs",
    member: "responseLogprobs",
    capability: "logprobs",
    read: (sampling) => (asksLogprobs(sampling) ? true : undefined),
  },
  {
    field: "sampling.top_logprobs",
    member: "logprobs",
    capability: "logprobs",
    read: (sampling) => (sampling.topLogprobs ? sampling.topLogprobs : undefined),
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
}

/** Writes the sampling fields; those that `findUnsupportedSampling` refuses are not there. */
export function encodeSampling({ request, rules, adaptations }: EncodeContext, config: Body): void {
  const { sampling } = request;
  if (!sampling) return;
  for (const parameter of PARAMETERS) {
    const value = parameter.read(sampling);
    // A neutral value says what its absence says, so that it may be left out where the target has no such field.
    const isLeftOut = value === parameter.neutral && refusalOf(parameter, rules) !== undefined;
    if (value !== undefined && parameter.member !== undefined && !isLeftOut) config.set(parameter.member, value);
  }
  const { seed } = sampling;
  if (seed === undefined) return;
  const refusal = rules.refusal("sampling.seed", "seed");
  if (refusal) adaptations.add("sampling.seed", seed, undefined, refusal.reason, refusal.quirkId);
  else if (BigInt.asIntN(32, seed) === seed) config.set("seed", Number(seed));
  else adaptations.add("sampling.seed", seed, undefined, "the provider takes seeds of 32 bits");
}

function refusalOf({ field, member, capability }: Parameter, rules: TargetRules): Refusal | undefined {
  if (member === undefined) return { reason: "the wire format has no such parameter" };
  return rules.refusal(field, capability);
}

function asksLogprobs(sampling: Sampling): boolean {
  return sampling.logprobs === true || (sampling.topLogprobs ?? 0) > 0;
}
