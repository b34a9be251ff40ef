import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_WHAT_STREAMED } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://api-docs.deepseek.com/api/create-chat-completion";
const THINKING_MODE = "https://api-docs.deepseek.com/guides/thinking_mode";

const quirks: readonly ModelQuirk[] = [
  {
    id: "Q56",
    models: ["deepseek-v4*", "deepseek-reasoner*"],
    summary: "the model thinks unless told not to, and passes sampling parameters over while it does",
    settings: {
      reasoning_request: "thinking",
      reasons: "default",
      rejects_while_reasoning:
        "sampling.temperature,sampling.top_p,sampling.frequency_penalty,sampling.presence_penalty,tool_choice",
    },
    source: THINKING_MODE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q55",
    models: ["deepseek-v4*", "deepseek-reasoner*"],
    summary: "once tools were called, later turns must carry the reasoning behind the calls",
    settings: { reasoning_history: "reasoning_content", reasoning_beside_calls: true },
    source: THINKING_MODE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q59",
    models: ["deepseek-v4*"],
    summary: "the model knows two efforts of thinking, lesser ones count as high",
    settings: { efforts: "high,max" },
    source: THINKING_MODE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "DEEPSEEK-TEXT",
    models: ["*"],
    summary: "messages hold text only",
    rejects: ["messages.parts.media"],
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
];

/** DeepSeek. */
export const deepseek: ProviderEntry = {
  kind: "deepseek",
  displayName: "DeepSeek",
  baseUrl: "https://api.deepseek.com",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["DEEPSEEK_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: {
        reasoning_request: "none",
        max_stops: 16,
        plain_tool_names: true,
        json_mode_word: true,
        refusal_history: "text",
      },
      quirks,
    },
  ],
  billing: BILLS_WHAT_STREAMED,
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
