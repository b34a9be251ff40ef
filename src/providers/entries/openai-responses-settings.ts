import type { ModelQuirk } from "../entry.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://platform.openai.com/docs/api-reference/responses/create";
const REASONING_GUIDE = "https://platform.openai.com/docs/guides/reasoning";

/** OpenAI's use of the Responses API: switches of the dialect that hold for all of its models. */
export const openaiResponsesSettings: Readonly<Record<string, string | number | boolean>> = {
  end_user_field: "safety_identifier",
  max_end_user_chars: 128,
  plain_tool_names: true,
  allowed_tools: true,
  web_search_type: "web_search",
  cache_key: true,
  cache_ttl: "retention",
};

/** Where OpenAI's Responses API deviates from the dialect, for all models or some; a later one wins. */
export const openaiResponsesQuirks: readonly ModelQuirk[] = [
  {
    id: "Q06",
    models: ["*"],
    summary: "the Responses API has no stop sequences, seed, number of answers, penalties or token biases",
    rejects: [
      "sampling.stop",
      "sampling.seed",
      "sampling.candidates",
      "sampling.frequency_penalty",
      "sampling.presence_penalty",
      "sampling.repetition_penalty",
      "sampling.logit_bias",
      "sampling.top_k",
      "sampling.min_p",
    ],
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q07",
    models: ["*"],
    summary: "answers are kept unless store is false; what is not kept cannot be referred to by id",
    settings: { store_false: true, reasoning_history: "encrypted" },
    source: "https://github.com/maximhq/bifrost/issues/5410",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q10",
    models: ["*"],
    summary: "ids of calls have at most 64 characters",
    settings: { max_call_id_chars: 64 },
    source: "https://github.com/agno-agi/agno/issues/5382",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q14",
    models: ["*"],
    summary: 'JSON mode is refused unless a message contains the word "json"',
    settings: { json_mode_word: true },
    source: "https://platform.openai.com/docs/guides/structured-outputs#json-mode",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q15",
    models: ["*"],
    summary: "strict schemas are closed objects that require every property, without some keywords",
    settings: {
      strict_closed_objects: true,
      strict_refused_keywords: "allOf,oneOf,not,if,then,else,dependentRequired,dependentSchemas",
    },
    source: "https://platform.openai.com/docs/guides/structured-outputs#supported-schemas",
    checkedOn: CHECKED_ON,
  },
  {
    id: "responses-least-output",
    models: ["*"],
    summary: "the output limit is at least 16 tokens",
    settings: { min_output_tokens: 16 },
    source: "https://github.com/vectorize-io/hindsight/issues/58",
    checkedOn: CHECKED_ON,
  },
  {
    id: "responses-encrypted-content",
    models: ["gpt-4*", "gpt-3.5*", "chatgpt-*", "gpt-5*-chat*", "computer-use-preview*"],
    summary: "the model does not reason and refuses to be asked for encrypted reasoning",
    settings: { encrypted_reasoning: false },
    source: "https://github.com/pydantic/pydantic-ai/issues/2865",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q13",
    models: ["gpt-5.6*", "gpt-5.7*", "gpt-5.8*", "gpt-5.9*", "gpt-6*"],
    summary: "cache lifetimes and marks are set by prompt_cache_options and prompt_cache_breakpoint",
    settings: { cache_ttl: "options", cache_breakpoints: true },
    source: "https://platform.openai.com/docs/guides/prompt-caching",
    checkedOn: CHECKED_ON,
  },
];

/**
 * Ids of quirks that hold for a model on both of OpenAI's APIs, and whose settings both dialects have: sampling beside
 * reasoning (Q03) and the steps of efforts (Q12).
 */
export const quirksOfBothApis: ReadonlySet<string> = new Set(["Q03", "Q12"]);

/** Which of OpenAI's two APIs serves a model, where the configuration says `api: auto`. The first row that fits counts. */
export interface ApiRule {
  /** Globs over model ids, as in quirks. */
  readonly models: readonly string[];
  /** `always`, or only for requests that declare tools and do not switch reasoning off. */
  readonly when: "always" | "tools_while_reasoning";
  readonly api: "chat" | "responses";
  /** Whether the other API refuses; else it may serve what this one cannot express, such as stop sequences. */
  readonly binding: boolean;
  readonly quirkId: string;
  readonly summary: string;
  readonly source: string;
  readonly checkedOn: string;
}

/** OpenAI's rules; a model and request that no row fits go to chat completions. */
export const openaiApiRules: readonly ApiRule[] = [
  {
    models: ["*-audio*", "*-search-preview*", "gpt-3.5*", "gpt-4", "gpt-4-0*", "gpt-4-turbo*"],
    when: "always",
    api: "chat",
    binding: true,
    quirkId: "api-chat-only",
    summary: "the model hears, speaks, or searches through chat completions only, or is older than the Responses API",
    source: "https://platform.openai.com/docs/models",
    checkedOn: CHECKED_ON,
  },
  {
    models: ["o1-pro*", "o3-pro*", "gpt-5*-pro*", "*codex*", "*deep-research*", "computer-use-preview*"],
    when: "always",
    api: "responses",
    binding: true,
    quirkId: "api-responses-only",
    summary: "the model is served by the Responses API only",
    source: "https://github.com/docker/docker-agent/issues/313",
    checkedOn: CHECKED_ON,
  },
  {
    models: ["gpt-5.4*", "gpt-5.5*", "gpt-5.6*", "gpt-5.7*", "gpt-5.8*", "gpt-5.9*", "gpt-6*", "!gpt-5*-chat*"],
    when: "tools_while_reasoning",
    api: "responses",
    binding: true,
    quirkId: "Q04",
    summary: "chat completions refuse tools while the model reasons, which it does unless it is told not to",
    source: "https://github.com/openai/openai-openapi/issues/541",
    checkedOn: CHECKED_ON,
  },
  {
    models: ["o1*", "o3*", "o4*", "gpt-5*", "gpt-6*", "!gpt-5*-chat*", "!o1-mini*", "!o1-preview*"],
    when: "tools_while_reasoning",
    api: "responses",
    binding: false,
    quirkId: "api-keeps-reasoning",
    summary: "only the Responses API takes the reasoning behind tool calls back, which chat completions lose",
    source: REASONING_GUIDE,
    checkedOn: CHECKED_ON,
  },
];
