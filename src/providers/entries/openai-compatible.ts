import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ProviderEntry } from "../entry.ts";

/** Any server that speaks OpenAI's chat format: vLLM, llama.cpp, LM Studio, gateways, houses of one's own. */
export const openaiCompatible: ProviderEntry = {
  kind: "openai-compatible",
  displayName: "OpenAI-compatible server",
  baseUrl: undefined,
  auth: { kind: "bearer", required: false },
  environment: { apiKey: [], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      // What such servers have in common is what the dialect assumes; the configuration declares the rest.
      settings: { refusal_history: "text" },
      quirks: [],
    },
  ],
  docs: "https://platform.openai.com/docs/api-reference/chat",
  checkedOn: "2026-11-20",
  verified: "none",
};
