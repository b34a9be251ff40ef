import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://docs.api.nvidia.com/nim/reference/llm-apis";

const quirks: readonly ModelQuirk[] = [
  {
    id: "NVIDIA-NEMOTRON",
    models: ["nvidia/nemotron-3*"],
    summary: "reasoning is switched by the chat template, on unless told otherwise",
    settings: { reasoning_request: "template", reasons: "default" },
    source: "https://docs.nvidia.com/nim/large-language-models/latest/thinking-budget-control.html",
    checkedOn: CHECKED_ON,
  },
];

/** NVIDIA NIM, hosted; a NIM of one's own is the same with a base_url. */
export const nvidia: ProviderEntry = {
  kind: "nvidia",
  displayName: "NVIDIA NIM",
  baseUrl: "https://integrate.api.nvidia.com/v1",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["NVIDIA_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: { plain_tool_names: true, refusal_history: "text" },
      quirks,
    },
  ],
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "none",
};
