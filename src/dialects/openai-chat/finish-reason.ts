import { FinishReason } from "../../contract/index.ts";

// The words of OpenAI first, then those of vendors that speak the dialect and of models behind them, in lower case.
const REASONS: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["stop", FinishReason.STOP],
  ["length", FinishReason.MAX_TOKENS],
  ["tool_calls", FinishReason.TOOL_CALLS],
  ["content_filter", FinishReason.CONTENT_FILTER],
  ["function_call", FinishReason.TOOL_CALLS],
  ["eos", FinishReason.STOP],
  ["eos_token", FinishReason.STOP],
  ["end_turn", FinishReason.STOP],
  ["complete", FinishReason.STOP],
  ["completed", FinishReason.STOP],
  ["stop_sequence", FinishReason.STOP_SEQUENCE],
  ["max_tokens", FinishReason.MAX_TOKENS],
  ["max_output_tokens", FinishReason.MAX_TOKENS],
  ["model_length", FinishReason.CONTEXT_WINDOW],
  ["model_context_window_exceeded", FinishReason.CONTEXT_WINDOW],
  ["tool_use", FinishReason.TOOL_CALLS],
  ["tool_call", FinishReason.TOOL_CALLS],
  ["pause_turn", FinishReason.PAUSED],
  ["refusal", FinishReason.REFUSAL],
  ["safety", FinishReason.CONTENT_FILTER],
  ["sensitive", FinishReason.CONTENT_FILTER],
  ["content_filtered", FinishReason.CONTENT_FILTER],
  ["guardrail_intervened", FinishReason.CONTENT_FILTER],
  ["prohibited_content", FinishReason.CONTENT_FILTER],
  ["recitation", FinishReason.RECITATION],
  ["malformed_function_call", FinishReason.MALFORMED_TOOL_CALL],
  ["malformed_tool_use", FinishReason.MALFORMED_TOOL_CALL],
  ["tool_use_failed", FinishReason.MALFORMED_TOOL_CALL],
  ["malformed_response", FinishReason.MALFORMED_OUTPUT],
  ["malformed_model_output", FinishReason.MALFORMED_OUTPUT],
  ["too_many_tool_calls", FinishReason.TOOL_LIMIT],
  ["error", FinishReason.PROVIDER_ERROR],
  ["network_error", FinishReason.PROVIDER_ERROR],
  ["insufficient_system_resource", FinishReason.PROVIDER_ERROR],
  ["abort", FinishReason.PROVIDER_ERROR],
  ["aborted", FinishReason.PROVIDER_ERROR],
  ["cancelled", FinishReason.PROVIDER_ERROR],
  ["time_limit", FinishReason.PROVIDER_ERROR],
  ["timeout", FinishReason.PROVIDER_ERROR],
  ["failed", FinishReason.PROVIDER_ERROR],
]);

/**
 * The reason behind a provider's word. An unknown word is `OTHER`, never a stop. A stop beside calls that the caller is
 * to run is `TOOL_CALLS`: several vendors say "stop", or nothing, in that case.
 */
export function finishReason(word: string, hasCalls: boolean): FinishReason {
  if (hasCalls && word === "") return FinishReason.TOOL_CALLS;
  const reason = REASONS.get(word.toLowerCase());
  if (reason === undefined) return FinishReason.OTHER;
  return reason === FinishReason.STOP && hasCalls ? FinishReason.TOOL_CALLS : reason;
}

/** Whether the dialect's decoder knows the word. */
export function isKnownFinishWord(word: string): boolean {
  return REASONS.has(word.toLowerCase());
}
