import type { RawParams } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { DIALECT_ID, type Body, type EncodeContext } from "./encode-context.ts";
import { objectMembers } from "../json-text.ts";

// Members of the request that the contract models, whether or not this request sets them.
const MODELLED: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "stream",
  "stream_options",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "functions",
  "function_call",
  "response_format",
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "frequency_penalty",
  "presence_penalty",
  "repetition_penalty",
  "logit_bias",
  "seed",
  "stop",
  "n",
  "logprobs",
  "top_logprobs",
  "reasoning_effort",
  "reasoning",
  "verbosity",
  "modalities",
  "audio",
  "prediction",
  "service_tier",
  "store",
  "metadata",
  "user",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "prompt_cache_options",
  "web_search_options",
  "random_seed",
  "thinking",
  "enable_thinking",
  "thinking_budget",
]);

/**
 * Merges the caller's own fields into the request: each replaces the member of that name, null removes it. Throws
 * `INVALID_REQUEST` where one is modelled by the contract, which has its own field for it.
 */
export function mergeRawParams({ request, target }: EncodeContext, body: Body): void {
  for (const [index, params] of request.rawParams.entries()) {
    if (!isFor(params, target)) continue;
    const field = `raw_params[${index}].json`;
    const members = objectMembers(params.json);
    if (!members) {
      throw new ParleyError("INVALID_REQUEST", `Cannot use ${field}: it is not the JSON text of an object`, { field });
    }
    for (const [name, value] of members) {
      if (MODELLED.has(name)) {
        const message = `Cannot set "${name}" through ${field}: the contract has its own field for it, use that one`;
        throw new ParleyError("INVALID_REQUEST", message, { field });
      }
      if (value.text === "null") body.delete(name);
      else body.set(name, value);
    }
  }
}

function isFor(params: RawParams, target: DialectTarget): boolean {
  if (params.provider !== undefined && params.provider !== target.provider) return false;
  return params.provider === undefined ? params.dialect === DIALECT_ID : (params.dialect ?? DIALECT_ID) === DIALECT_ID;
}
