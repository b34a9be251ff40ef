import type { ChatRequest, Delivery } from "../contract/index.ts";
import type { ParleyError } from "../errors/index.ts";
import type { Target } from "./target.ts";

/** How far an attempt had got when it broke. */
export interface AttemptState {
  readonly target: Target;
  readonly error: ParleyError;
  /** Whether the caller has had content of it. */
  readonly delivered: boolean;
  /** The text delivered so far in the one open or finished text block; undefined: more or other than one text block. */
  readonly text: string | undefined;
  /** Bytes of UTF-8 that were delivered. */
  readonly deliveredBytes: number;
  readonly sawToolCall: boolean;
  readonly sawReasoning: boolean;
  /** Candidates that were begun. */
  readonly candidates: number;
}

/** What the caller and the route allow. */
export interface SubstitutionPolicy {
  readonly delivery: Delivery;
  /** Whether a refusal by a content filter may be answered by another target; by default it is the answer. */
  readonly onRefusal: "answer" | "next_target";
}

/** How another target may take over, or why it may not. */
export type Substitution =
  /** Nothing was delivered: the other target answers as if it were the first. */
  | { readonly kind: "replace" }
  /** The other target continues the delivered text, which goes to it as the assistant's prefill. */
  | { readonly kind: "continue" }
  /** The other target answers from the start; what repeats the delivered text is suppressed, a mismatch ends typed. */
  | { readonly kind: "verified_restart" }
  /** The caller is told to discard what it had, and the other target answers from the start. */
  | { readonly kind: "reset" }
  | { readonly kind: "deny"; readonly reason: string };

/** Whether and how `target` may take over from an attempt that broke. Pure. */
export type Substitute = (
  request: ChatRequest,
  state: AttemptState,
  target: Target,
  policy: SubstitutionPolicy,
) => Substitution;
