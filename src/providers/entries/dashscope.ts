import { having } from "../../catalog/abilities.ts";
import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_TO_THE_END } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://www.alibabacloud.com/help/en/model-studio/qwen-api-via-openai-chat-completions";
const DEEP_THINKING = "https://www.alibabacloud.com/help/en/model-studio/deep-thinking";

const quirks: readonly ModelQuirk[] = [
  {
    id: "Q60",
    models: ["*"],
    summary: "models answer in streams only while they think",
    settings: { reasons_in_streams_only: true },
    source: "https://github.com/langchain4j/langchain4j/issues/3974",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q61",
    models: ["*"],
    summary: "JSON mode and demanded tools are refused while the model thinks",
    settings: { rejects_while_reasoning: "output.json_object,output.json_schema,tool_choice" },
    source: DEEP_THINKING,
    checkedOn: CHECKED_ON,
  },
  {
    id: "DASHSCOPE-OPEN",
    models: ["qwen3-*b", "qwen3.5-*b", "qwen3.6-*b", "qwen3-*b-a*b", "!*instruct*"],
    summary: "the open models think unless told not to",
    settings: { reasons: "default" },
    source: DEEP_THINKING,
    checkedOn: CHECKED_ON,
  },
  {
    id: "DASHSCOPE-THINKING",
    models: ["*-thinking*", "qwq*", "qvq*"],
    summary: "the model always thinks",
    settings: { reasons: "always" },
    source: DEEP_THINKING,
    checkedOn: CHECKED_ON,
  },
];

/** Qwen at Alibaba Cloud Model Studio (DashScope), its international address. */
export const dashscope: ProviderEntry = {
  kind: "dashscope",
  displayName: "Alibaba Cloud Model Studio (Qwen)",
  baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["DASHSCOPE_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: {
        reasoning_request: "enable_thinking",
        thinking_budget: true,
        reasoning_history: "reasoning_content",
        plain_tool_names: true,
        json_mode_word: true,
        refusal_history: "text",
        cache_breakpoints: true,
        cache_mark: "ephemeral",
      },
      quirks,
    },
  ],
  facts: having("top_k", "repetition_penalty"),
  billing: {
    ...BILLS_TO_THE_END,
    unbounded: [{ models: ["*deep-research*"], why: "it searches by itself, for fees of their own" }],
  },
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
