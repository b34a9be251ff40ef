import { having } from "../../catalog/abilities.ts";
import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_TO_THE_END } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://openrouter.ai/docs/api-reference/chat-completion";
const REASONING_GUIDE = "https://openrouter.ai/docs/use-cases/reasoning-tokens";
const CACHING_GUIDE = "https://openrouter.ai/docs/features/prompt-caching";

const quirks: readonly ModelQuirk[] = [
  {
    id: "OPENROUTER-REASONING",
    models: ["*"],
    summary: "reasoning is asked for by an object and comes back in typed details, which later turns carry",
    settings: { reasoning_request: "object", reasoning_history: "reasoning" },
    source: REASONING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "OPENROUTER-CACHE",
    models: ["*"],
    summary: "cache marks are controls on parts and tools, translated for the vendor behind",
    settings: { cache_breakpoints: true, cache_mark: "cache_control", cache_key: true },
    source: CACHING_GUIDE,
    checkedOn: CHECKED_ON,
  },
];

/** OpenRouter, a gateway to many vendors. Its comments, errors inside 200 and native finish reasons (Q79) are decoded. */
export const openrouter: ProviderEntry = {
  kind: "openrouter",
  displayName: "OpenRouter",
  baseUrl: "https://openrouter.ai/api/v1",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["OPENROUTER_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: {
        max_tokens_field: "max_completion_tokens",
        developer_role: "developer",
        max_stops: 4,
        plain_tool_names: true,
        tool_result_parts: "any",
        document_part: "file_or_url",
      },
      quirks,
    },
  ],
  facts: having("top_k", "min_p", "repetition_penalty"),
  // Behind it are providers of both kinds.
  billing: {
    ...BILLS_TO_THE_END,
    unbounded: [
      {
        models: ["*:online", "*-search*", "*deep-research*", "perplexity/*", "*auto"],
        why: "it searches or chooses models by itself, for fees of their own",
      },
    ],
  },
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
