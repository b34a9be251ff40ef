// From the wire's members to the contract's fields, for errors about one of them.
const FIELD_OF: Readonly<Record<string, string>> = {
  model: "model",
  contents: "messages",
  systemInstruction: "messages",
  tools: "tools",
  toolConfig: "tool_choice",
  safetySettings: "raw_params",
  cachedContent: "raw_params",
  serviceTier: "service_tier",
  store: "store",
  labels: "metadata",
  "generationConfig.candidateCount": "sampling.candidates",
  "generationConfig.stopSequences": "sampling.stop",
  "generationConfig.maxOutputTokens": "sampling.max_output_tokens",
  "generationConfig.temperature": "sampling.temperature",
  "generationConfig.topP": "sampling.top_p",
  "generationConfig.topK": "sampling.top_k",
  "generationConfig.seed": "sampling.seed",
  "generationConfig.presencePenalty": "sampling.presence_penalty",
  "generationConfig.frequencyPenalty": "sampling.frequency_penalty",
  "generationConfig.responseLogprobs": "sampling.logprobs",
  "generationConfig.logprobs": "sampling.top_logprobs",
  "generationConfig.responseMimeType": "output",
  "generationConfig.responseSchema": "output.json_schema.schema_json",
  "generationConfig.responseJsonSchema": "output.json_schema.schema_json",
  "generationConfig.responseModalities": "output.modalities",
  "generationConfig.speechConfig": "output.audio",
  "generationConfig.thinkingConfig": "reasoning",
};

/**
 * The contract's field behind a path such as `generation_config.thinking_config.thinking_budget` or
 * `contents[3].parts[0]`; empty where there is none. Places within lists are left out: one message of the contract may
 * have become several contents.
 */
export function fieldOf(path: string): string {
  const [root = "", inner = ""] = path
    .replace(/^GenerateContentRequest\./, "")
    .replaceAll(/\[[^\]]*\]/g, "")
    .split(".")
    .map(camelCase);
  for (const name of [`${root}.${inner}`, root]) if (Object.hasOwn(FIELD_OF, name)) return FIELD_OF[name] ?? "";
  return "";
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
