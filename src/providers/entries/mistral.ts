import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_TO_THE_END } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://docs.mistral.ai/api/endpoint/chat";

const quirks: readonly ModelQuirk[] = [
  {
    id: "Q50",
    models: ["*"],
    summary: "ids of tool calls are nine letters and digits",
    settings: { nine_char_call_ids: true },
    source: "https://github.com/anomalyco/opencode/issues/1680",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q51",
    models: ["*"],
    summary: "a member that the API does not know is an error",
    rejects: [
      "sampling.logit_bias",
      "messages.name",
      "end_user_id",
      "service_tier",
      "store",
      "output.verbosity",
      "output.modalities",
    ],
    settings: { stream_usage: false },
    source: "https://github.com/editor-code-assistant/eca/issues/231",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q52",
    models: ["*"],
    summary: "a user's message right after the result of a tool is refused with code 3230",
    settings: { user_after_tool: false },
    source: "https://github.com/avante-corp/avante.nvim/issues/2562",
    checkedOn: CHECKED_ON,
  },
  {
    id: "MISTRAL-SYSTEM",
    models: ["*"],
    summary: "a system message after one of the assistant or a tool breaks the order of roles",
    settings: { late_system_role: "user" },
    source: "https://github.com/mistralai/mistral-common/blob/main/src/mistral_common/protocol/instruct/validator.py",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q53",
    models: ["*"],
    summary: "earlier reasoning goes back as thinking parts of the content",
    settings: { reasoning_history: "thinking_parts" },
    source: "https://github.com/vercel/ai/issues/17930",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q54",
    models: ["*"],
    summary: "the seed is random_seed, and a message to continue is marked as prefix",
    settings: { seed_field: "random_seed", prefill: "prefix" },
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "MISTRAL-PARAMETERS",
    models: ["*"],
    summary: "a function without parameters is refused",
    settings: { parameters_required: true },
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "MISTRAL-EFFORT",
    models: ["*"],
    summary: "reasoning is high or none",
    settings: { efforts: "none,high" },
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "MISTRAL-LOGPROBS",
    models: ["*"],
    summary: "log probabilities are not part of the API",
    rejects: ["sampling.logprobs"],
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
];

/** Mistral AI. */
export const mistral: ProviderEntry = {
  kind: "mistral",
  displayName: "Mistral AI",
  baseUrl: "https://api.mistral.ai/v1",
  auth: { kind: "bearer", required: true },
  environment: { apiKey: ["MISTRAL_API_KEY"], baseUrl: [] },
  // What continues a prefix begins with the prefix: https://docs.mistral.ai/capabilities/completion/prefix/
  facts: { repeatsPrefill: true },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      settings: {
        plain_tool_names: true,
        cache_key: true,
        refusal_history: "text",
        tool_result_parts: "any",
        document_part: "document_url",
        audio_part: "data",
      },
      quirks,
    },
  ],
  billing: BILLS_TO_THE_END,
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
