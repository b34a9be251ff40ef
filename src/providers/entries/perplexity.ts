import { having } from "../../catalog/abilities.ts";
import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_TO_THE_END } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://docs.perplexity.ai/api-reference/chat-completions-post";

const quirks: readonly ModelQuirk[] = [
  {
    id: "PERPLEXITY-TOOLS",
    models: ["*"],
    summary: "models search the web by themselves and call no functions",
    rejects: ["tools.function", "tools.custom", "tool_choice"],
    settings: { web_search: true },
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "PERPLEXITY-SAMPLING",
    models: ["*"],
    summary: "the API has no stop sequences, bias, log probabilities or JSON mode without a schema, and one answer",
    rejects: [
      "sampling.stop",
      "sampling.candidates",
      "sampling.logit_bias",
      "sampling.logprobs",
      "sampling.seed",
      "output.json_object",
    ],
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "PERPLEXITY-SYSTEM",
    models: ["*"],
    summary: "system messages come first",
    settings: { late_system_role: "user" },
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "PERPLEXITY-USAGE",
    models: ["*"],
    summary: "every event of a stream tells usage, without being asked to",
    settings: { stream_usage: false },
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "PERPLEXITY-EFFORT",
    models: ["sonar", "sonar-pro"],
    summary: "the model does not reason",
    rejects: ["reasoning"],
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
];

/** Perplexity. */
export const perplexity: ProviderEntry = {
  kind: "perplexity",
  displayName: "Perplexity",
  baseUrl: "https://api.perplexity.ai",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["PERPLEXITY_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: { refusal_history: "text" },
      quirks,
    },
  ],
  facts: having("top_k"),
  billing: {
    ...BILLS_TO_THE_END,
    unbounded: [{ models: ["*"], why: "it searches by itself, for fees of their own" }],
  },
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
