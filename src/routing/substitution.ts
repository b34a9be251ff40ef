import {
  Delivery,
  Effort,
  ErrorReason,
  Modality,
  Role,
  Support,
  ToolMode,
  type ChatRequest,
} from "../contract/index.ts";
import { reasonName, type ParleyError } from "../errors/index.ts";
import { activeConstraints, brokenConstraint } from "./constraints.ts";
import { boundField } from "./provider-bound.ts";
import type { Target } from "./target.ts";

/** How far an attempt had got when it broke. */
export interface AttemptState {
  readonly target: Target;
  readonly error: ParleyError;
  /** The model version that the provider said it serves; undefined: not told. */
  readonly servedModel: string | undefined;
  /** Whether the caller has had content of it. Never with `hold`, until the answer outgrows what can be held. */
  readonly delivered: boolean;
  /**
   * The text delivered so far in the one open or finished text block. Undefined: there is more than one block, one of
   * another kind, or one with more than text in it (citations, provider state, log probabilities).
   */
  readonly text: string | undefined;
  /** Bytes of UTF-8 that were delivered. */
  readonly deliveredBytes: number;
  readonly sawToolCall: boolean;
  readonly sawReasoning: boolean;
  /** Candidates that were begun. */
  readonly candidates: number;
  /** Whether content rules have changed what was delivered, or would have to look across the seam. */
  readonly filtered?: boolean;
}

/** What the caller and the route allow. */
export interface SubstitutionPolicy {
  /** As resolved from request, route and defaults; unspecified counts as commit. */
  readonly delivery: Delivery;
  /** Whether a refusal by a content filter may be answered by another target; by default it is the answer. */
  readonly onRefusal: "answer" | "next_target";
}

/** The rule by which a target may not take over. */
export type DenialRule =
  /** The error's row says that no other target is asked. */
  | "error"
  /** A content filter's refusal is the answer. */
  | "refusal"
  /** The request did not fit, and the target's window is not known to be larger. */
  | "window"
  /** The request allows no target beyond the first. */
  | "fallbacks"
  /** The target does not satisfy a constraint of the request. */
  | "constraints"
  /** The request names something that is stored at another provider. */
  | "provider_bound"
  /** Content was delivered, and the delivery mode ends there. */
  | "delivery"
  /** What was delivered or asked for is more than plain text. */
  | "not_plain_text"
  /** More was delivered than may be continued. */
  | "too_long"
  /** The target neither continues a prefill nor is known to say the same again. */
  | "not_reproducible";

/** How another target may take over, or why it may not. */
export type Substitution =
  /** Nothing was delivered: the other target answers as if it were the first. */
  | { readonly kind: "replace" }
  /** The other target continues the delivered text, which goes to it as the assistant's prefill. */
  | { readonly kind: "continue" }
  /**
   * The other target answers from the start; what repeats the delivered text is suppressed, a mismatch ends typed.
   * `servedModel` is the model version that it must say it serves; undefined: any.
   */
  | { readonly kind: "verified_restart"; readonly servedModel: string | undefined }
  /** The caller is told to discard what it had, and the other target answers from the start. */
  | { readonly kind: "reset" }
  /** `reason` is a sentence without the request's content. */
  | { readonly kind: "deny"; readonly rule: DenialRule; readonly reason: string };

// More makes a prefill or a repetition too dear.
export const MAX_CONTINUED_BYTES = 65_536;

/**
 * Whether and how `target` may take over from an attempt that broke. Pure. It speaks of this one attempt and target:
 * whether any attempt may still be made (deadline, budgets, health) and whether the target honours the request's binding
 * fields, a prefill among them, is asked elsewhere.
 */
export function substitute(
  request: ChatRequest,
  state: AttemptState,
  target: Target,
  policy: SubstitutionPolicy,
): Substitution {
  const barred = barredElsewhere(state, target, policy) ?? barredTarget(request, state, target);
  if (barred) return barred;
  if (!state.delivered) return { kind: "replace" };
  if (policy.delivery === Delivery.RESTARTABLE) return { kind: "reset" };
  if (policy.delivery !== Delivery.AUTO && policy.delivery !== Delivery.HOLD) {
    return deny("delivery", "content was delivered, and the delivery mode commits to it");
  }
  return unbroken(request, state, target);
}

type Denial = Extract<Substitution, { readonly kind: "deny" }>;

function deny(rule: DenialRule, reason: string): Denial {
  return { kind: "deny", rule, reason };
}

/** Why the error is not for `target` to answer. */
function barredElsewhere({ target: from, error }: AttemptState, target: Target, policy: SubstitutionPolicy) {
  // Answering elsewhere what one provider refused launders its policy, unless the operator wants just that.
  if (error.reason === ErrorReason.PROVIDER_CONTENT_BLOCKED) {
    if (policy.onRefusal === "next_target") return undefined;
    return deny("refusal", "a refusal by the provider's content filter is the answer");
  }
  const { failover } = error.row;
  if (failover === "never") return deny("error", `${reasonName(error.reason)} is not answered by another target`);
  if (failover === "larger_context" && !isLarger(target.facts.contextTokens, from.facts.contextTokens)) {
    return deny("window", `the request overflowed ${from.name}, and ${target.name} is not known to take more`);
  }
  return undefined;
}

function isLarger(tokens: number | undefined, than: number | undefined): boolean {
  return tokens !== undefined && than !== undefined && tokens > than;
}

/** Why the request may not go to `target`, whatever became of the attempt. */
function barredTarget(request: ChatRequest, state: AttemptState, target: Target): Denial | undefined {
  if (request.routing?.allowFallbacks === false && target.name !== state.target.name) {
    return deny("fallbacks", "routing.allow_fallbacks leaves one target");
  }
  const constraint = brokenLasting(target, request);
  if (constraint !== undefined) return deny("constraints", `${target.name} does not satisfy ${constraint}`);
  const bound = boundField(request, state.target.provider, target.provider);
  if (bound === undefined) return undefined;
  return deny("provider_bound", `${bound} names something that is not stored at ${target.provider}`);
}

/** The constraint of the request that the target breaks. How fast it is of late was asked when the request was planned. */
function brokenLasting(target: Target, { routing }: ChatRequest): string | undefined {
  if (!routing?.constraints) return undefined;
  const { maxFirstContentP95Ms: _, ...lasting } = routing.constraints;
  const active = activeConstraints([{ origin: "routing.constraints", constraints: lasting }]);
  return brokenConstraint(target, active, () => undefined)?.rule;
}

/** How `target` may go on after content as if nothing had happened. */
function unbroken(request: ChatRequest, state: AttemptState, target: Target): Substitution {
  const more = moreThanText(request, state);
  if (more !== undefined) return deny("not_plain_text", `only plain text is continued, and ${more}`);
  if (state.deliveredBytes > MAX_CONTINUED_BYTES) {
    return deny("too_long", `only ${MAX_CONTINUED_BYTES} bytes are continued, and more were delivered`);
  }
  if (takesPrefill(target)) {
    // Whose words the delivered text would go on with is read differently by each provider.
    if (request.messages.at(-1)?.role !== Role.ASSISTANT) return { kind: "continue" };
    return deny("not_plain_text", "only an answer of its own is continued, and the request ends with a part of one");
  }
  if (target.facts.deterministic === true) return { kind: "verified_restart", servedModel: undefined };
  const { servedModel } = state;
  if (servedModel !== undefined && isSameModel(state.target, target) && isRepeatable(request, target)) {
    return { kind: "verified_restart", servedModel };
  }
  return deny("not_reproducible", `${target.name} neither continues a prefill nor is known to say the same again`);
}

/** What makes the answer more than plain text, in words that follow "and"; undefined: nothing does. */
function moreThanText({ sampling, output, tools, toolChoice, reasoning }: ChatRequest, state: AttemptState) {
  if (state.filtered) return "a content rule has changed it or may match across the seam";
  if (state.text === undefined) return "more than one block of text was delivered";
  if (state.candidates !== 1 || (sampling?.candidates ?? 1) !== 1) return "there are several answers";
  if (state.sawToolCall) return "a tool was called";
  if (state.sawReasoning) return "the model reasoned";
  // A call that the model had begun to write shows nowhere until it is whole, and a prefill would make prose of it.
  if (tools.length > 0 && toolChoice?.mode !== ToolMode.NONE) return "a tool call may have been under way";
  if (output?.format.case !== undefined && output.format.case !== "text") return "structured output is asked for";
  if (output?.modalities.some((modality) => modality !== Modality.TEXT)) return "more than text is asked for";
  if (sampling?.logprobs === true || (sampling?.topLogprobs ?? 0) > 0) return "log probabilities are asked for";
  return reasoning && asksToReason(reasoning) ? "reasoning is asked for" : undefined;
}

function asksToReason({ enabled, effort, budgetTokens }: NonNullable<ChatRequest["reasoning"]>): boolean {
  if (enabled === false || effort === Effort.NONE) return false;
  return enabled === true || effort !== Effort.UNSPECIFIED || budgetTokens !== undefined;
}

function takesPrefill({ facts }: Target): boolean {
  return facts.capabilities.prefill === Support.NATIVE && !rejects(facts, "messages.prefill");
}

function isSameModel(one: Target, other: Target): boolean {
  return one.provider === other.provider && one.model === other.model;
}

// A seed that is not used makes nothing repeatable, although it may be left out.
function isRepeatable({ sampling }: ChatRequest, { facts }: Target): boolean {
  if (sampling?.temperature !== 0 || sampling.seed === undefined) return false;
  const { seed } = facts.capabilities;
  return seed !== Support.IGNORED && seed !== Support.REJECTED && !rejects(facts, "sampling.seed");
}

/** Whether a quirk of the model rejects the field, or what it is part of. */
function rejects({ quirks }: Target["facts"], field: string): boolean {
  return quirks.some((quirk) => quirk.rejects?.some((path) => field === path || field.startsWith(`${path}.`)));
}
