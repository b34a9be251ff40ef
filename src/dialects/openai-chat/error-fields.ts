// From the wire's members to the contract's fields, for errors about one of them.
const FIELD_OF: Readonly<Record<string, string>> = {
  model: "model",
  messages: "messages",
  tools: "tools",
  functions: "tools",
  tool_choice: "tool_choice",
  function_call: "tool_choice",
  parallel_tool_calls: "tool_choice.parallel",
  response_format: "output",
  max_tokens: "sampling.max_output_tokens",
  max_completion_tokens: "sampling.max_output_tokens",
  temperature: "sampling.temperature",
  top_p: "sampling.top_p",
  top_k: "sampling.top_k",
  min_p: "sampling.min_p",
  frequency_penalty: "sampling.frequency_penalty",
  presence_penalty: "sampling.presence_penalty",
  repetition_penalty: "sampling.repetition_penalty",
  logit_bias: "sampling.logit_bias",
  seed: "sampling.seed",
  random_seed: "sampling.seed",
  stop: "sampling.stop",
  n: "sampling.candidates",
  logprobs: "sampling.logprobs",
  top_logprobs: "sampling.top_logprobs",
  reasoning_effort: "reasoning.effort",
  reasoning: "reasoning",
  thinking: "reasoning",
  enable_thinking: "reasoning",
  thinking_budget: "reasoning.budget_tokens",
  verbosity: "output.verbosity",
  modalities: "output.modalities",
  audio: "output.audio",
  prediction: "prediction",
  service_tier: "service_tier",
  store: "store",
  metadata: "metadata",
  user: "end_user_id",
  safety_identifier: "end_user_id",
  prompt_cache_key: "caching.key",
  prompt_cache_retention: "caching.ttl_seconds",
  prompt_cache_options: "caching.ttl_seconds",
  web_search_options: "tools",
};

/**
 * The contract's field behind a member such as `messages[3].content` or `response_format.json_schema`; empty where there
 * is none. Places within messages are left out: one message of the contract may have become several.
 */
export function fieldOf(param: string): string {
  const root = /^[a-z_]+/.exec(param)?.[0] ?? "";
  return Object.hasOwn(FIELD_OF, root) ? (FIELD_OF[root] ?? "") : "";
}

// The gateway alone decides about these members: a caller cannot have asked for them.
const OURS: ReadonlySet<string> = new Set(["stream", "stream_options"]);

// Two names of one field of the contract: which one a model takes is the gateway's to know.
const OUTPUT_LIMIT: ReadonlySet<string> = new Set(["max_tokens", "max_completion_tokens"]);

const UNKNOWN_MEMBER: ReadonlySet<string> = new Set(["unsupported_parameter", "extra_forbidden"]);

/** Whether a complaint about this member is one about our translation, since no caller sets it. */
export function isOurDefect(param: string, code: string): boolean {
  const root = /^[a-z_]+/.exec(param)?.[0] ?? "";
  return OURS.has(root) || (UNKNOWN_MEMBER.has(code) && OUTPUT_LIMIT.has(root));
}
