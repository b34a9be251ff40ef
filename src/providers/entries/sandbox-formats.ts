import { anthropicMessages } from "../../dialects/anthropic-messages/index.ts";
import { geminiGenerate } from "../../dialects/gemini-generate/index.ts";
import { openaiResponses } from "../../dialects/openai-responses/index.ts";
import type { ProviderEntry } from "../entry.ts";
import { sandbox } from "./sandbox.ts";

// The sandbox's models over the other wire formats. They are of no kind that a configuration can name: they appear
// beside the sandbox, under these names.

const CHECKED_ON = "2026-11-20";

const responses: ProviderEntry = {
  ...sandbox,
  kind: "sandbox-responses",
  displayName: "Parley sandbox over OpenAI Responses",
  apis: [
    {
      name: "responses",
      dialect: openaiResponses,
      settings: {
        prefill: "last_message",
        end_user_field: "safety_identifier",
        max_end_user_chars: 128,
        plain_tool_names: true,
        allowed_tools: true,
        max_call_id_chars: 64,
        min_output_tokens: 16,
        json_mode_word: true,
        cache_ttl: "retention",
      },
      quirks: [
        {
          id: "Q06",
          models: ["*"],
          summary: "the format has no stop sequences, seed, number of answers, penalties or token biases",
          rejects: [
            "sampling.stop",
            "sampling.seed",
            "sampling.candidates",
            "sampling.frequency_penalty",
            "sampling.presence_penalty",
            "sampling.repetition_penalty",
            "sampling.logit_bias",
            "sampling.top_k",
            "sampling.min_p",
          ],
          source: "https://platform.openai.com/docs/api-reference/responses/create",
          checkedOn: CHECKED_ON,
        },
      ],
    },
  ],
};

const anthropic: ProviderEntry = {
  ...sandbox,
  kind: "sandbox-anthropic",
  displayName: "Parley sandbox over Anthropic Messages",
  auth: { kind: "header", name: "x-api-key", required: true },
  apis: [
    {
      name: "messages",
      dialect: anthropicMessages,
      settings: {
        thinking: "both",
        thinking_display: true,
        effort: true,
        output_format: true,
        strict_tools: true,
        automatic_caching: true,
        service_tier: true,
      },
      quirks: [],
    },
  ],
};

const gemini: ProviderEntry = {
  ...sandbox,
  kind: "sandbox-gemini",
  displayName: "Parley sandbox over Gemini generateContent",
  auth: { kind: "header", name: "x-goog-api-key", required: true },
  apis: [
    {
      name: "generate",
      dialect: geminiGenerate,
      settings: { prefill: true, signature_check: true, max_stops: 5, service_tier: true, store: true },
      quirks: [],
    },
  ],
};

/** The sandbox's wire formats: the name of the provider that speaks each, and where it stands at the sandbox. */
export const SANDBOX_FORMATS: readonly { readonly entry: ProviderEntry; readonly basePath: string }[] = [
  { entry: sandbox, basePath: "/v1" },
  { entry: responses, basePath: "/v1" },
  { entry: anthropic, basePath: "/v1" },
  { entry: gemini, basePath: "/v1beta" },
];
