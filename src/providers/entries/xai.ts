import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_WHAT_STREAMED } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://docs.x.ai/docs/api-reference";
const REASONING_GUIDE = "https://docs.x.ai/docs/guides/reasoning";

const quirks: readonly ModelQuirk[] = [
  {
    id: "Q64",
    models: ["grok-4*", "grok-code-fast*", "grok-build*", "!grok-4.3*"],
    summary: "the model takes no effort of reasoning",
    settings: { reasoning_request: "none" },
    source: REASONING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q64",
    models: ["grok-4.20-multi-agent*"],
    summary: "the effort of reasoning sets how many agents work on the answer",
    settings: { reasoning_request: "effort", efforts: "low,medium,high,xhigh" },
    source: REASONING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q65",
    models: ["grok-4*", "grok-code-fast*", "grok-build*", "grok-3-mini*", "!*non-reasoning*"],
    summary: "reasoning models refuse penalties and stop sequences",
    rejects: ["sampling.presence_penalty", "sampling.frequency_penalty", "sampling.stop"],
    source: "https://github.com/BerriAI/litellm/issues/14056",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q66",
    models: ["*"],
    summary: "there are at most 8 stop sequences",
    settings: { max_stops: 8 },
    source: "https://github.com/xai-org/xai-proto",
    checkedOn: CHECKED_ON,
  },
];

/** xAI. */
export const xai: ProviderEntry = {
  kind: "xai",
  displayName: "xAI",
  baseUrl: "https://api.x.ai/v1",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["XAI_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: { reasoning_history: "reasoning_content", plain_tool_names: true, refusal_history: "text" },
      quirks,
    },
  ],
  // Its documentation of max_tokens: it bounds neither reasoning nor calls.
  billing: { ...BILLS_WHAT_STREAMED, limitCovers: "visible" },
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
