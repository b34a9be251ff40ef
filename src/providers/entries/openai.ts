import { openaiChat } from "../../dialects/openai-chat/index.ts";
import { openaiResponses } from "../../dialects/openai-responses/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_WHAT_STREAMED } from "./billing-rules.ts";
import { openaiApiRules } from "./openai-api-rules.ts";
import { openaiResponsesQuirks, openaiResponsesSettings } from "./openai-responses-settings.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://platform.openai.com/docs/api-reference/chat/create";
const REASONING_GUIDE = "https://platform.openai.com/docs/guides/reasoning";
const GPT_5_GUIDE = "https://platform.openai.com/docs/guides/latest-model";

const quirks: readonly ModelQuirk[] = [
  {
    id: "Q01",
    models: ["*"],
    summary: "max_tokens is deprecated, and rejected by reasoning models, in favour of max_completion_tokens",
    settings: { max_tokens_field: "max_completion_tokens" },
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q11",
    models: ["*"],
    summary: "streams tell no usage unless it is asked for",
    settings: { stream_usage: true },
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q10",
    models: ["*"],
    summary: "ids of tool calls have at most 40 characters",
    settings: { max_call_id_chars: 40 },
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
    id: "Q03",
    models: ["gpt-5*", "!gpt-5*-chat*"],
    summary: "the model accepts only the default temperature and top_p, and no log probabilities, while it reasons",
    settings: { sampling_with: "effort_none" },
    source: GPT_5_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    // Their default effort is none: saying nothing leaves sampling open.
    id: "Q03",
    models: ["gpt-5.1*", "gpt-5.2*", "gpt-5.4*", "!gpt-5*-chat*", "!gpt-5*-pro*", "!gpt-5*-codex*"],
    summary: "the model accepts only the default temperature and top_p, and no log probabilities, while it reasons",
    settings: { sampling_with: "effort_unset" },
    source: GPT_5_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q03",
    models: ["gpt-5.1-chat*", "gpt-5.2-chat*"],
    summary: "the model accepts only the default temperature and top_p, and no log probabilities",
    settings: { sampling_with: "default" },
    source: GPT_5_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q03",
    models: ["o1*", "o3*", "o4*"],
    summary: "the model accepts only the default sampling: no penalties, no bias, no log probabilities",
    rejects: ["sampling.frequency_penalty", "sampling.presence_penalty", "sampling.logit_bias", "sampling.logprobs"],
    settings: { sampling_with: "default" },
    source: REASONING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q05",
    models: ["o3*", "o4-mini*", "!o3-mini*"],
    summary: "the model does not support stop sequences",
    rejects: ["sampling.stop"],
    source: API_REFERENCE,
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
  ...effortLadders(),
];

// Sampling beside reasoning and the steps of efforts are the model's own, whichever API serves it.
const QUIRKS_OF_BOTH_APIS: ReadonlySet<string> = new Set(["Q03", "Q12"]);

/** OpenAI itself. */
export const openai: ProviderEntry = {
  kind: "openai",
  displayName: "OpenAI",
  baseUrl: "https://api.openai.com/v1",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["OPENAI_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: {
        // Accounts may keep answers by default, so that no is said aloud.
        store_false: true,
        metadata_needs_store: true,
        developer_role: "developer",
        end_user_field: "safety_identifier",
        max_stops: 4,
        plain_tool_names: true,
        allowed_tools: true,
        web_search: true,
        cache_key: true,
        cache_ttl: "retention",
      },
      quirks,
    },
    {
      name: "responses",
      dialect: openaiResponses,
      settings: openaiResponsesSettings,
      quirks: [...openaiResponsesQuirks, ...quirks.filter(({ id }) => QUIRKS_OF_BOTH_APIS.has(id))],
    },
  ],
  apiRules: openaiApiRules,
  billing: {
    ...BILLS_WHAT_STREAMED,
    unbounded: [{ models: ["*-search-*", "*deep-research*"], why: "it searches by itself, for fees of their own" }],
  },
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};

// Q12: each generation has steps of its own. A model that is not listed is told the requested effort as it is.
function effortLadders(): readonly ModelQuirk[] {
  const ladders: readonly (readonly [efforts: string, models: readonly string[]])[] = [
    ["low,medium,high", ["o1*", "o3*", "o4*", "gpt-5-codex*", "gpt-5.1-codex*", "!o1-mini*", "!o1-preview*"]],
    ["minimal,low,medium,high", ["gpt-5", "gpt-5-2*", "gpt-5-mini*", "gpt-5-nano*"]],
    ["high", ["gpt-5-pro*"]],
    ["none,low,medium,high", ["gpt-5.1", "gpt-5.1-2*"]],
    ["low,medium,high,xhigh", ["gpt-5.1-codex-max*", "gpt-5.2-codex*"]],
    [
      "none,low,medium,high,xhigh",
      ["gpt-5.2", "gpt-5.2-2*", "gpt-5.3-codex*", "gpt-5.4*", "gpt-5.5*", "!gpt-5*-pro*", "!gpt-5*-chat*"],
    ],
    ["medium,high,xhigh", ["gpt-5.2-pro*", "gpt-5.4-pro*", "gpt-5.5-pro*"]],
    ["medium", ["gpt-5.1-chat*", "gpt-5.2-chat*", "o3-deep-research*", "o4-mini-deep-research*"]],
  ];
  return ladders.map(([efforts, models]) => ({
    id: "Q12",
    models,
    summary: `the model's reasoning efforts are ${efforts.replaceAll(",", ", ")}`,
    settings: { efforts },
    source: REASONING_GUIDE,
    checkedOn: CHECKED_ON,
  }));
}
