import { anthropicMessages } from "../../dialects/anthropic-messages/index.ts";
import { geminiGenerate } from "../../dialects/gemini-generate/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_TO_THE_END } from "./billing-rules.ts";
import { anthropicQuirks } from "./anthropic.ts";
import { geminiQuirks } from "./gemini.ts";

const CHECKED_ON = "2026-11-20";
const REFERENCE = "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference";
const PARTNER_MODELS = "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude";

const vertexGeminiQuirks: readonly ModelQuirk[] = [
  ...geminiQuirks,
  {
    id: "Q41",
    models: ["*"],
    summary: "calls of tools that the provider runs are told without being asked for, and asking is refused",
    settings: { server_tool_calls: false },
    source: "https://github.com/vercel/ai/issues/14655",
    checkedOn: CHECKED_ON,
  },
];

const vertexAnthropicQuirks: readonly ModelQuirk[] = [
  ...anthropicQuirks,
  {
    id: "vertex-media-inline",
    models: ["*"],
    summary: "media come as bytes, not as addresses",
    rejects: ["messages.parts.media.url"],
    source: "https://github.com/anthropics/anthropic-sdk-typescript/issues/1038",
    checkedOn: CHECKED_ON,
  },
];

/**
 * Google Vertex AI: Gemini models, and Anthropic's, on one account. `location: global` is served from anywhere, `us` and
 * `eu` stay within, and a region's name within that region.
 */
export const vertex: ProviderEntry = {
  kind: "vertex",
  displayName: "Google Vertex AI",
  baseUrl: "https://{location}-aiplatform.googleapis.com",
  baseUrlsOf: [
    { parameter: "location", values: ["global"], baseUrl: "https://aiplatform.googleapis.com" },
    { parameter: "location", values: ["us", "eu"], baseUrl: "https://aiplatform.{location}.rep.googleapis.com" },
  ],
  parameters: [
    { name: "project", required: true },
    { name: "location", required: false, usual: "global", regionUnless: ["global"] },
  ],
  auth: { kind: "none" },
  tokens: { forms: ["key_file"], scope: "https://www.googleapis.com/auth/cloud-platform" },
  environment: { apiKey: [], baseUrl: [], unread: ["GOOGLE_APPLICATION_CREDENTIALS"] },
  apis: [
    {
      name: "generate",
      dialect: geminiGenerate,
      path: "/v1beta1/projects/{project}/locations/{location}{path}",
      settings: { endpoint: "publisher", max_stops: 5, labels: true },
      quirks: vertexGeminiQuirks,
    },
    {
      name: "messages",
      dialect: anthropicMessages,
      path: "/v1/projects/{project}/locations/{location}{path}",
      settings: {
        endpoint: "publisher",
        version: "vertex-2023-10-16",
        beta_header: true,
        // As at Anthropic: the oldest models know the least.
        thinking_off: "omit",
        web_search_tool: "web_search_20250305",
      },
      quirks: vertexAnthropicQuirks,
    },
  ],
  apiRules: [
    {
      id: "vertex-publishers",
      models: ["claude-*"],
      when: "always",
      api: "messages",
      binding: true,
      summary: "Anthropic's models speak Anthropic's format",
      source: PARTNER_MODELS,
      checkedOn: CHECKED_ON,
    },
  ],
  billing: BILLS_TO_THE_END,
  docs: REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
