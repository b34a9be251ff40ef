import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { NOT_BILLED } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const COMPATIBILITY = "https://docs.ollama.com/api/openai-compatibility";

const quirks: readonly ModelQuirk[] = [
  {
    id: "OLLAMA-V1",
    models: ["*"],
    summary: "the compatible API has no choice among tools, no bias, one answer, and images as bytes only",
    rejects: [
      "tool_choice",
      "sampling.logit_bias",
      "sampling.candidates",
      "messages.parts.media.url",
      "messages.parts.media.detail",
      "end_user_id",
    ],
    source: COMPATIBILITY,
    checkedOn: CHECKED_ON,
  },
];

/**
 * Ollama, on this machine. Its compatible API cannot set the length of the context, and cuts what is longer without a
 * word (Q76): set `OLLAMA_CONTEXT_LENGTH` at the server, and `context_tokens` of its models here.
 */
export const ollama: ProviderEntry = {
  kind: "ollama",
  displayName: "Ollama",
  baseUrl: "http://127.0.0.1:11434/v1",
  auth: { kind: "bearer", required: false },
  environment: { apiKey: [], baseUrl: [], address: { variable: "OLLAMA_HOST", port: 11_434, path: "/v1" } },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: { reasoning_history: "reasoning", refusal_history: "text" },
      quirks,
    },
  ],
  facts: { prices: NOT_BILLED },
  docs: COMPATIBILITY,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
