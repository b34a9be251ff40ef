import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_TO_THE_END } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://console.groq.com/docs/api-reference#chat-create";
const REASONING_GUIDE = "https://console.groq.com/docs/reasoning";

const quirks: readonly ModelQuirk[] = [
  {
    id: "Q67",
    models: ["*"],
    summary: "one answer a request; no penalties, no bias, no log probabilities, nothing stored",
    rejects: [
      "sampling.candidates",
      "sampling.frequency_penalty",
      "sampling.presence_penalty",
      "sampling.logit_bias",
      "sampling.logprobs",
      "store",
      "metadata",
    ],
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q68",
    models: ["qwen/*", "deepseek-r1*"],
    summary: "reasoning stands between tags in the text unless it is asked for apart",
    settings: { extra_members: '{"reasoning_format":"parsed"}' },
    source: REASONING_GUIDE,
    checkedOn: CHECKED_ON,
  },
];

/** Groq. */
export const groq: ProviderEntry = {
  kind: "groq",
  displayName: "Groq",
  baseUrl: "https://api.groq.com/openai/v1",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["GROQ_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: {
        max_tokens_field: "max_completion_tokens",
        reasoning_history: "reasoning",
        max_stops: 4,
        plain_tool_names: true,
        json_mode_word: true,
        refusal_history: "text",
      },
      quirks,
    },
  ],
  billing: {
    ...BILLS_TO_THE_END,
    unbounded: [{ models: ["*compound*"], why: "it calls models and tools by itself, for fees of their own" }],
  },
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
