// From the wire's members to the contract's fields, for errors about one of them.
const FIELD_OF: Readonly<Record<string, string>> = {
  model: "model",
  input: "messages",
  instructions: "messages",
  tools: "tools",
  tool_choice: "tool_choice",
  parallel_tool_calls: "tool_choice.parallel",
  max_tool_calls: "tools",
  "text.format": "output",
  "text.verbosity": "output.verbosity",
  text: "output",
  max_output_tokens: "sampling.max_output_tokens",
  temperature: "sampling.temperature",
  top_p: "sampling.top_p",
  top_k: "sampling.top_k",
  min_p: "sampling.min_p",
  frequency_penalty: "sampling.frequency_penalty",
  presence_penalty: "sampling.presence_penalty",
  repetition_penalty: "sampling.repetition_penalty",
  logit_bias: "sampling.logit_bias",
  seed: "sampling.seed",
  stop: "sampling.stop",
  n: "sampling.candidates",
  top_logprobs: "sampling.top_logprobs",
  "reasoning.effort": "reasoning.effort",
  "reasoning.summary": "reasoning.visibility",
  reasoning: "reasoning",
  service_tier: "service_tier",
  store: "store",
  metadata: "metadata",
  user: "end_user_id",
  safety_identifier: "end_user_id",
  prompt_cache_key: "caching.key",
  prompt_cache_retention: "caching.ttl_seconds",
  prompt_cache_options: "caching.ttl_seconds",
};

/**
 * The contract's field behind a member such as `input[3].content` or `text.format.schema`; empty where there is none.
 * Places within the input are left out: one message of the contract may have become several items.
 */
export function fieldOf(param: string): string {
  const [whole = "", root = ""] = /^([a-z_]+)(?:\.[a-z_]+)?/.exec(param) ?? [];
  return lookUp(whole) ?? lookUp(root) ?? "";
}

function lookUp(name: string): string | undefined {
  return Object.hasOwn(FIELD_OF, name) ? FIELD_OF[name] : undefined;
}

// The gateway alone decides about these members: a caller cannot have asked for them.
const OURS: ReadonlySet<string> = new Set(["stream", "stream_options", "include"]);

/** Whether a complaint about this member is one about our translation, since no caller sets it. */
export function isOurDefect(param: string): boolean {
  return OURS.has(/^[a-z_]+/.exec(param)?.[0] ?? "");
}
