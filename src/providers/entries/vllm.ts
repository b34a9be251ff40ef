import { having } from "../../catalog/abilities.ts";
import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { NOT_BILLED } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const SERVER_DOCS = "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html";

const quirks: readonly ModelQuirk[] = [
  {
    id: "Q78",
    models: ["*"],
    summary: "since 0.16 reasoning is called reasoning, in answers and in earlier turns",
    settings: { reasoning_history: "reasoning" },
    source: "https://github.com/vllm-project/vllm/issues/27755",
    checkedOn: CHECKED_ON,
  },
];

/** A vLLM server. */
export const vllm: ProviderEntry = {
  kind: "vllm",
  displayName: "vLLM",
  baseUrl: "http://127.0.0.1:8000/v1",
  auth: { kind: "bearer", required: false },
  environment: { apiKey: [], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: { prefill: "continue_final_message", refusal_history: "text" },
      quirks,
    },
  ],
  facts: { ...having("top_k", "min_p", "repetition_penalty"), prices: NOT_BILLED },
  docs: SERVER_DOCS,
  checkedOn: CHECKED_ON,
  verified: "none",
};
