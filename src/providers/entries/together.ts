import { having } from "../../catalog/abilities.ts";
import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_WHAT_STREAMED } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://docs.together.ai/reference/chat-completions-1";

const quirks: readonly ModelQuirk[] = [
  {
    id: "TOGETHER-LOGPROBS",
    models: ["*"],
    summary: "log probabilities are asked for by a number and answered in a shape of their own",
    rejects: ["sampling.logprobs"],
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
];

/** Together AI. */
export const together: ProviderEntry = {
  kind: "together",
  displayName: "Together AI",
  baseUrl: "https://api.together.xyz/v1",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["TOGETHER_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: { reasoning_history: "reasoning", plain_tool_names: true, refusal_history: "text" },
      quirks,
    },
  ],
  facts: having("top_k", "min_p", "repetition_penalty"),
  billing: BILLS_WHAT_STREAMED,
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
