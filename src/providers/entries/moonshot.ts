import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://platform.moonshot.ai/docs/api/chat";

const quirks: readonly ModelQuirk[] = [
  {
    id: "Q57",
    models: ["kimi-k2.5*", "kimi-k2.6*", "kimi-k2.7*", "kimi-k2-thinking*", "kimi-k3*"],
    summary: "no tool can be demanded while the model thinks, which it does unless told not to",
    settings: {
      reasoning_request: "thinking",
      reasons: "default",
      rejects_while_reasoning: "tool_choice",
      reasoning_beside_calls: true,
    },
    source: "https://github.com/can1357/oh-my-pi/issues/1077",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q62",
    models: ["kimi-k3*", "kimi-k2.7-code*"],
    summary: "temperature is pinned and the model always thinks",
    settings: { reasons: "always", rejects_while_reasoning: "tool_choice,sampling.temperature,sampling.top_p" },
    source: "https://github.com/agentscope-ai/agentscope-java/issues/2320",
    checkedOn: CHECKED_ON,
  },
  {
    id: "MOONSHOT-THINKING",
    models: ["kimi-k2-thinking*"],
    summary: "the model always thinks",
    settings: { reasons: "always" },
    source: "https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q63",
    models: ["kimi-k2.6*"],
    summary: "reasoning of earlier turns counts only where it is asked to be kept",
    settings: { thinking_keep: true },
    source: "https://github.com/can1357/oh-my-pi/issues/1839",
    checkedOn: CHECKED_ON,
  },
  {
    id: "MOONSHOT-MEDIA",
    models: ["*"],
    summary: "images and videos are taken as bytes, not from addresses",
    rejects: ["messages.parts.media.url", "messages.parts.media.detail"],
    source: "https://platform.moonshot.ai/docs/guide/use-kimi-vision-model",
    checkedOn: CHECKED_ON,
  },
];

/** Moonshot AI (Kimi), its international address. */
export const moonshot: ProviderEntry = {
  kind: "moonshot",
  displayName: "Moonshot AI",
  baseUrl: "https://api.moonshot.ai/v1",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["MOONSHOT_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: {
        reasoning_request: "none",
        reasoning_history: "reasoning_content",
        max_stops: 5,
        plain_tool_names: true,
        cache_key: true,
        refusal_history: "text",
        prefill: "partial",
      },
      quirks,
    },
  ],
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
