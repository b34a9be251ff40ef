import { Drift, wordSet } from "../drift.ts";
import type { ChatCompletionChunk } from "./wire.ts";

// Members that are documented somewhere or that recordings show. A new one is counted as drift, once per answer.
const ANSWER = wordSet(`id object created model choices usage service_tier system_fingerprint error citations
  search_results x_groq prompt_filter_results obfuscation provider moderation kv_transfer_params prompt_logprobs
  prompt_token_ids request_id metadata timings time_info cost copilot_usage generationId latency_checkpoint
  related_questions images videos stats warning usage_breakdown user_id p`);
const CHOICE = wordSet(`index delta message finish_reason native_finish_reason logprobs content_filter_results
  content_filter_offsets content_filter_result error seed text stop_reason matched_stop token_ids trace_details`);
const MESSAGE =
  wordSet(`role content refusal tool_calls function_call audio annotations images reasoning_content reasoning
  reasoning_details executed_tools extra_content channel token_id provider_metadata graph_data llm_data image_data
  translation_data web_search_data thought_signature padding parsed phase name prefix tool_call_id context`);

/** Tells of members that this codec does not know. Cheap: after the first chunks, plain text deltas are not looked at. */
export class UnknownMembers {
  readonly #drift: Drift;
  #chunks = 0;

  constructor(report: (path: string) => void) {
    this.#drift = new Drift(report);
  }

  check(chunk: ChatCompletionChunk): void {
    this.#chunks += 1;
    if (this.#chunks > 2 && isPlainText(chunk)) return;
    this.#drift.members(chunk, ANSWER, "");
    if (!Array.isArray(chunk.choices)) return;
    for (const choice of chunk.choices) {
      this.#drift.members(choice, CHOICE, "choices[].");
      this.#drift.members(choice?.delta, MESSAGE, "choices[].delta.");
      this.#drift.members(choice?.message, MESSAGE, "choices[].message.");
    }
  }
}

function isPlainText(chunk: ChatCompletionChunk): boolean {
  const choices = chunk.choices;
  if (!Array.isArray(choices) || choices.length !== 1) return false;
  const content: unknown = choices[0]?.delta?.content;
  return typeof content === "string" && content !== "";
}
