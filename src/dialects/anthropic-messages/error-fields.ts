// From the wire's members to the contract's fields, for errors about one of them.
const FIELD_OF: Readonly<Record<string, string>> = {
  model: "model",
  messages: "messages",
  system: "messages",
  tools: "tools",
  tool_choice: "tool_choice",
  output_config: "output",
  output_format: "output",
  max_tokens: "sampling.max_output_tokens",
  temperature: "sampling.temperature",
  top_p: "sampling.top_p",
  top_k: "sampling.top_k",
  stop_sequences: "sampling.stop",
  thinking: "reasoning",
  cache_control: "caching",
  service_tier: "service_tier",
  speed: "service_tier",
  metadata: "end_user_id",
  container: "raw_params",
  mcp_servers: "raw_params",
  context_management: "raw_params",
};

const MAX_PARAM_CHARS = 128;

/** The member that a sentence is about: those about one begin with its path and a colon. Empty: none. */
export function paramOf(message: string): string {
  const path = /^`?([a-z_]+(?:\.[\w.]+)?)`?: /.exec(message)?.[1] ?? "";
  const root = path.split(".")[0] ?? "";
  return Object.hasOwn(FIELD_OF, root) || OURS.has(root) ? path.slice(0, MAX_PARAM_CHARS) : "";
}

/** The contract's field behind a member such as `tools.0.custom.input_schema`; empty where there is none. */
export function fieldOf(param: string): string {
  const root = param.split(".")[0] ?? "";
  if (param.startsWith("output_config.effort")) return "reasoning.effort";
  return Object.hasOwn(FIELD_OF, root) ? (FIELD_OF[root] ?? "") : "";
}

// The gateway alone decides about these members: a caller cannot have asked for them.
const OURS: ReadonlySet<string> = new Set(["stream", "anthropic_version", "anthropic_beta"]);

/** Whether a complaint about this member is one about our translation, since no caller sets it. */
export function isOurDefect(param: string): boolean {
  return OURS.has(param.split(".")[0] ?? "");
}
