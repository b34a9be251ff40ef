import { FinishReason } from "../../contract/index.ts";

// Why an answer is incomplete: OpenAI's words first, then those of vendors that speak the dialect, in lower case.
const INCOMPLETE: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["max_output_tokens", FinishReason.MAX_TOKENS],
  ["content_filter", FinishReason.CONTENT_FILTER],
  ["max_messages", FinishReason.TOOL_LIMIT],
  ["max_tool_calls", FinishReason.TOOL_LIMIT],
  ["max_turns", FinishReason.TOOL_LIMIT],
  // Stopped to take in what its user said meanwhile: sent back, it goes on.
  ["steered", FinishReason.PAUSED],
  ["max_tokens", FinishReason.MAX_TOKENS],
  ["length", FinishReason.MAX_TOKENS],
  ["max_prompt_tokens", FinishReason.CONTEXT_WINDOW],
  ["context_length_exceeded", FinishReason.CONTEXT_WINDOW],
  ["model_context_window_exceeded", FinishReason.CONTEXT_WINDOW],
  ["safety", FinishReason.CONTENT_FILTER],
  ["recitation", FinishReason.RECITATION],
  ["refusal", FinishReason.REFUSAL],
  ["stop", FinishReason.STOP],
  ["stop_sequence", FinishReason.STOP_SEQUENCE],
  ["malformed_tool_call", FinishReason.MALFORMED_TOOL_CALL],
  ["malformed_function_call", FinishReason.MALFORMED_TOOL_CALL],
  ["malformed_output", FinishReason.MALFORMED_OUTPUT],
  ["error", FinishReason.PROVIDER_ERROR],
  ["interrupted", FinishReason.PROVIDER_ERROR],
  ["cancelled", FinishReason.PROVIDER_ERROR],
  ["timeout", FinishReason.PROVIDER_ERROR],
]);

/** How an answer ended. */
export interface Ending {
  /** Status of the answer; empty: not told. */
  readonly status: string;
  /** Why it is incomplete; empty: not told. */
  readonly incompleteReason: string;
  /** Whether there are calls that the caller is to run. */
  readonly hasCalls: boolean;
  readonly hasRefusal: boolean;
  /** Whether the provider waits to be told that it may call a tool. */
  readonly awaitsApproval: boolean;
}

/**
 * The reason behind an ending. A complete answer with calls for the caller ended for them, one that waits for an approval
 * is paused, one with a refusal refused.
 * An unknown word is `OTHER`, never a stop.
 */
export function finishReason(ending: Ending): FinishReason {
  const { status, incompleteReason } = ending;
  if (status === "completed") {
    if (ending.hasCalls) return FinishReason.TOOL_CALLS;
    if (ending.awaitsApproval) return FinishReason.PAUSED;
    return ending.hasRefusal ? FinishReason.REFUSAL : FinishReason.STOP;
  }
  if (status === "failed" || status === "cancelled") return FinishReason.PROVIDER_ERROR;
  return INCOMPLETE.get(incompleteReason.toLowerCase()) ?? FinishReason.OTHER;
}

/** Whether the decoder knows why an answer is incomplete. */
export function isKnownIncompleteReason(reason: string): boolean {
  return INCOMPLETE.has(reason.toLowerCase());
}
