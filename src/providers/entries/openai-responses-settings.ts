import type { ModelQuirk } from "../entry.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://platform.openai.com/docs/api-reference/responses/create";

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
