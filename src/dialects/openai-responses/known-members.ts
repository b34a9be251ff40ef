import { wordSet } from "../drift.ts";

// Members that are documented somewhere or that recordings show. A new one is counted as drift.

/** Of an answer. */
export const ANSWER_MEMBERS =
  wordSet(`id object created_at completed_at status background billing error incomplete_details
  instructions max_output_tokens max_tool_calls model output output_text parallel_tool_calls previous_response_id prompt
  prompt_cache_key prompt_cache_retention prompt_cache_options prompt_cache_diagnostics reasoning safety_identifier
  service_tier store temperature text tool_choice tools top_logprobs top_p truncation usage user metadata moderation
  tool_usage frequency_penalty presence_penalty content_filters conversation context_management access_programs image
  copilot_usage cost cost_in_usd_ticks citations provider`);

/** Of usage figures. */
export const USAGE_MEMBERS = wordSet(`input_tokens input_tokens_details output_tokens output_tokens_details total_tokens
  cost is_byok cost_details cost_in_usd_ticks num_sources_used num_server_side_tools_used context_details
  server_side_tool_usage_details`);

/** Of items of all types. */
export const ITEM_MEMBERS =
  wordSet(`id type status role content phase summary encrypted_content call_id name arguments input
  namespace caller action actions operation queries results code container_id outputs result revised_prompt
  output_format background quality size output error approval_request_id server_label tools execution environment
  max_output_length fingerprint pending_safety_checks format signature created_by async logs`);

/** Of pieces of content. */
export const CONTENT_MEMBERS = wordSet(`type text refusal annotations logprobs`);

/** Of one event. */
export const EVENT_MEMBERS =
  wordSet(`type sequence_number response output_index item_id item content_index summary_index
  annotation_index part delta text refusal arguments input code annotation logprobs obfuscation error message param
  partial_image_index partial_image_b64 size quality background output_format command command_index output name
  response_id status copilot_usage retry_after`);

/** Types of events that tell of progress, or whose content comes again whole in the item. */
const PASSING_EVENTS = wordSet(`response.code_interpreter_call.in_progress response.code_interpreter_call.interpreting
  response.code_interpreter_call.completed response.file_search_call.in_progress response.file_search_call.searching
  response.file_search_call.completed response.web_search_call.in_progress response.web_search_call.searching
  response.web_search_call.completed response.image_generation_call.in_progress
  response.image_generation_call.generating response.image_generation_call.partial_image
  response.image_generation_call.completed response.mcp_call.in_progress response.mcp_call.completed
  response.mcp_call.failed response.mcp_list_tools.in_progress response.mcp_list_tools.completed
  response.mcp_list_tools.failed response.shell_call_command.added response.shell_call_command.delta
  response.shell_call_command.done response.shell_call_output_content.delta response.shell_call_output_content.done
  response.reasoning_summary_part.added response.compaction.compacting response.queued keepalive ping
  response.steer.accepted response.steer.failed response.steer.pending response.rate_limits.updated`);

/** Whether an event of the type is known and says nothing that is not said again. */
export function isPassing(type: string): boolean {
  return PASSING_EVENTS.has(type);
}
