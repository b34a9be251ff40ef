import { FinishReason } from "../../contract/index.ts";

// The words of the Messages API first, then those of servers that speak it for other models, in lower case.
const REASONS: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["end_turn", FinishReason.STOP],
  ["stop_sequence", FinishReason.STOP_SEQUENCE],
  ["max_tokens", FinishReason.MAX_TOKENS],
  ["tool_use", FinishReason.TOOL_CALLS],
  ["pause_turn", FinishReason.PAUSED],
  // The answer goes back as it is to continue, as after any pause.
  ["compaction", FinishReason.PAUSED],
  ["refusal", FinishReason.REFUSAL],
  ["model_context_window_exceeded", FinishReason.CONTEXT_WINDOW],
  ["stop", FinishReason.STOP],
  ["length", FinishReason.MAX_TOKENS],
  ["tool_calls", FinishReason.TOOL_CALLS],
  ["content_filter", FinishReason.CONTENT_FILTER],
  ["content_filtered", FinishReason.CONTENT_FILTER],
  ["guardrail_intervened", FinishReason.CONTENT_FILTER],
  ["sensitive", FinishReason.CONTENT_FILTER],
  ["malformed_tool_use", FinishReason.MALFORMED_TOOL_CALL],
  ["malformed_model_output", FinishReason.MALFORMED_OUTPUT],
  ["error", FinishReason.PROVIDER_ERROR],
  ["network_error", FinishReason.PROVIDER_ERROR],
  ["cancelled", FinishReason.PROVIDER_ERROR],
]);

/**
 * The reason behind a provider's word. An unknown word is `OTHER`, never a stop. A stop beside calls that the caller is
 * to run is `TOOL_CALLS`, since some servers say the former in that case.
 */
export function finishReason(word: string, hasCalls: boolean): FinishReason {
  const reason = REASONS.get(word.toLowerCase());
  if (reason === undefined) return FinishReason.OTHER;
  return reason === FinishReason.STOP && hasCalls ? FinishReason.TOOL_CALLS : reason;
}

/** Whether the dialect's decoder knows the word. */
export function isKnownFinishWord(word: string): boolean {
  return REASONS.has(word.toLowerCase());
}
