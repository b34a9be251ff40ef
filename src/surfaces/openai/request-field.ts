// The pipeline speaks of the contract's fields; a client of this surface knows its own.
const FIELDS: readonly (readonly [contract: RegExp, field: string])[] = [
  [/^sampling\.max_output_tokens/, "max_completion_tokens"],
  [/^sampling\.candidates/, "n"],
  [/^sampling\./, ""],
  [/^output\.json_schema\.schema_json/, "response_format.json_schema.schema"],
  [/^output\.(?=verbosity|modalities|audio)/, ""],
  [/^output\b/, "response_format"],
  [/^reasoning\.budget_tokens/, "reasoning.max_tokens"],
  [/^reasoning\.visibility/, "reasoning.exclude"],
  [/^reasoning\.effort/, "reasoning_effort"],
  [/^caching\.key/, "prompt_cache_key"],
  [/^caching\.ttl_seconds/, "prompt_cache_retention"],
  [/^routing\.fallback_models/, "models"],
  [/^routing\.provider_order/, "provider.order"],
  [/^routing\.allow_fallbacks/, "provider.allow_fallbacks"],
  [/^routing\.rank_by/, "provider.sort"],
  [/^routing\./, "parley."],
  [/^(?=delivery|on_disconnect|on_refusal|tags|raw_params|explain)/, "parley."],
  [/^end_user_id/, "safety_identifier"],
  [/^tool_choice\.parallel/, "parallel_tool_calls"],
  [/^tool_choice\.(?:mode|names.*)/, "tool_choice"],
  [/^(tools\[\d+\]\.function)\.parameters_json/, "$1.parameters"],
  [/^(messages\[\d+\])\.prefill/, "$1.prefix"],
  [/^(messages\[\d+\])\.parts.*/, "$1.content"],
];

/** This surface's name of a field of the contract, for example `n` for `sampling.candidates`. */
export function requestField(contractField: string): string {
  for (const [contract, field] of FIELDS) {
    if (contract.test(contractField)) return contractField.replace(contract, field);
  }
  return contractField;
}
