import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ProviderEntry } from "../entry.ts";
import { BILLS_TO_THE_END } from "./billing-rules.ts";

/** Hugging Face's router to inference providers; a model id may end in `:provider`. */
export const huggingface: ProviderEntry = {
  kind: "huggingface",
  displayName: "Hugging Face",
  baseUrl: "https://router.huggingface.co/v1",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["HF_TOKEN"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: { plain_tool_names: true, refusal_history: "text" },
      quirks: [],
    },
  ],
  billing: BILLS_TO_THE_END,
  docs: "https://huggingface.co/docs/inference-providers/tasks/chat-completion",
  checkedOn: "2026-11-20",
  verified: "recorded",
};
