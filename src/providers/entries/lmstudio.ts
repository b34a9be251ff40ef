import { having } from "../../catalog/abilities.ts";
import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { NOT_BILLED } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const API_DOCS = "https://lmstudio.ai/docs/developer/openai-compat/chat-completions";

const quirks: readonly ModelQuirk[] = [
  {
    id: "LMSTUDIO-SAMPLING",
    models: ["*"],
    summary: "the server gives one answer and no log probabilities",
    rejects: ["sampling.candidates", "sampling.logprobs"],
    source: API_DOCS,
    checkedOn: CHECKED_ON,
  },
];

/** LM Studio's server on this machine. */
export const lmstudio: ProviderEntry = {
  kind: "lmstudio",
  displayName: "LM Studio",
  baseUrl: "http://127.0.0.1:1234/v1",
  auth: { kind: "bearer", required: false },
  environment: { apiKey: [], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: { refusal_history: "text" },
      quirks,
    },
  ],
  facts: { ...having("top_k"), prices: NOT_BILLED },
  docs: API_DOCS,
  checkedOn: CHECKED_ON,
  verified: "none",
};
