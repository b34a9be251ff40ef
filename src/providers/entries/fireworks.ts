import { having } from "../../catalog/abilities.ts";
import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ProviderEntry } from "../entry.ts";
import { BILLS_WHAT_STREAMED } from "./billing-rules.ts";

const API_REFERENCE = "https://docs.fireworks.ai/api-reference/post-chatcompletions";

/** Fireworks AI. */
export const fireworks: ProviderEntry = {
  kind: "fireworks",
  displayName: "Fireworks AI",
  baseUrl: "https://api.fireworks.ai/inference/v1",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["FIREWORKS_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: {
        reasoning_history: "reasoning_content",
        max_stops: 4,
        plain_tool_names: true,
        refusal_history: "text",
      },
      quirks: [],
    },
  ],
  facts: having("top_k", "min_p", "repetition_penalty"),
  billing: BILLS_WHAT_STREAMED,
  docs: API_REFERENCE,
  checkedOn: "2026-11-20",
  verified: "none",
};
