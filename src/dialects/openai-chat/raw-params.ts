import { wordSet } from "../drift.ts";
import { nativeParams } from "../native-params.ts";
import { DIALECT_ID, type Body, type EncodeContext } from "./encode-context.ts";

// Members of the request that the contract models, whether or not this request sets them.
const MODELLED = wordSet(`model messages stream stream_options tools tool_choice parallel_tool_calls functions
  function_call response_format max_tokens max_completion_tokens temperature top_p top_k min_p frequency_penalty
  presence_penalty repetition_penalty logit_bias seed stop n logprobs top_logprobs reasoning_effort reasoning
  verbosity modalities audio prediction service_tier store metadata user safety_identifier prompt_cache_key
  prompt_cache_retention prompt_cache_options web_search_options random_seed thinking enable_thinking thinking_budget`);

/**
 * Merges the caller's own fields into the request: each replaces the member of that name, null removes it. Throws
 * `INVALID_REQUEST` where one is modelled by the contract, which has its own field for it.
 */
export function mergeRawParams({ request, target }: EncodeContext, body: Body): void {
  for (const { name, value } of nativeParams(request, target, DIALECT_ID, MODELLED)) {
    if (value.text === "null") body.delete(name);
    else body.set(name, value);
  }
}
