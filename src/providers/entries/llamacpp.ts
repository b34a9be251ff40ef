import { having } from "../../catalog/abilities.ts";
import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ProviderEntry } from "../entry.ts";
import { NOT_BILLED } from "./billing-rules.ts";

/** A llama.cpp server. It listens on 8080 where nobody says otherwise, as this gateway does: the address must be given. */
export const llamacpp: ProviderEntry = {
  kind: "llamacpp",
  displayName: "llama.cpp server",
  baseUrl: undefined,
  auth: { kind: "bearer", required: false },
  environment: { apiKey: [], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: {
        reasoning_request: "template",
        reasoning_history: "reasoning_content",
        prefill: "last_message",
        refusal_history: "text",
      },
      quirks: [],
    },
  ],
  facts: { ...having("top_k", "min_p"), prices: NOT_BILLED },
  docs: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
  checkedOn: "2026-11-20",
  verified: "recorded",
};
