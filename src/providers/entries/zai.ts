import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://docs.z.ai/api-reference/llm/chat-completion";
const THINKING_GUIDE = "https://docs.z.ai/guides/capabilities/thinking-mode";

const quirks: readonly ModelQuirk[] = [
  {
    id: "ZAI-THINKING",
    models: ["glm-4.5*", "glm-4.6*", "glm-4.7*", "glm-5*"],
    summary: "the model thinks unless told not to",
    settings: { reasoning_request: "thinking", reasons: "default" },
    source: THINKING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "ZAI-HISTORY",
    models: ["*"],
    summary: "reasoning of earlier turns goes back as it came",
    settings: { reasoning_history: "reasoning_content" },
    source: THINKING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "ZAI-SAMPLING",
    models: ["*"],
    summary: "the API has one answer, one stop sequence, no penalties, no bias, no log probabilities and no seed",
    rejects: [
      "sampling.candidates",
      "sampling.frequency_penalty",
      "sampling.presence_penalty",
      "sampling.logit_bias",
      "sampling.logprobs",
      "sampling.seed",
    ],
    settings: { max_stops: 1 },
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "ZAI-JSON",
    models: ["*"],
    summary: "answers are text or JSON without a schema",
    rejects: ["output.json_schema"],
    source: "https://docs.z.ai/guides/capabilities/struct-output",
    checkedOn: CHECKED_ON,
  },
];

/** Z.ai (GLM). */
export const zai: ProviderEntry = {
  kind: "zai",
  displayName: "Z.ai",
  baseUrl: "https://api.z.ai/api/paas/v4",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["ZAI_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: { reasoning_request: "none", plain_tool_names: true, refusal_history: "text" },
      quirks,
    },
  ],
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
