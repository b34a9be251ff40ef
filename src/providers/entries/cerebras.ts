import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://inference-docs.cerebras.ai/api-reference/chat-completions";
const OPENAI_GUIDE = "https://inference-docs.cerebras.ai/resources/openai";

const quirks: readonly ModelQuirk[] = [
  {
    id: "CEREBRAS-SAMPLING",
    models: ["*"],
    summary: "penalties, bias and more than one answer are not supported",
    rejects: ["sampling.candidates", "sampling.frequency_penalty", "sampling.presence_penalty", "sampling.logit_bias"],
    source: OPENAI_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "CEREBRAS-EFFORT",
    models: ["gpt-oss*"],
    summary: "the model's reasoning efforts are low, medium and high",
    settings: { efforts: "low,medium,high", reasons: "always" },
    source: "https://inference-docs.cerebras.ai/capabilities/reasoning",
    checkedOn: CHECKED_ON,
  },
];

/** Cerebras. */
export const cerebras: ProviderEntry = {
  kind: "cerebras",
  displayName: "Cerebras",
  baseUrl: "https://api.cerebras.ai/v1",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["CEREBRAS_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: {
        max_tokens_field: "max_completion_tokens",
        reasoning_history: "reasoning",
        max_stops: 4,
        plain_tool_names: true,
        refusal_history: "text",
      },
      quirks,
    },
  ],
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
