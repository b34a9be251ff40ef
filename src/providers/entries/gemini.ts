import { geminiGenerate } from "../../dialects/gemini-generate/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_TO_THE_END } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://ai.google.dev/api/generate-content";
const THINKING_GUIDE = "https://ai.google.dev/gemini-api/docs/thinking";

// Names without a version lead to the newest generation.
const LATEST = ["gemini-pro-latest", "gemini-flash-latest", "gemini-flash-lite-latest"];
const GENERATION_3 = ["gemini-3*", "gemini-4*", ...LATEST];
const GENERATION_2_5 = ["gemini-2.5*"];
const BEFORE_3 = ["gemini-1*", "gemini-2*"];

/** Where the models deviate from what the API knows, also where a cloud serves them. */
export const geminiQuirks: readonly ModelQuirk[] = [
  {
    id: "Q43",
    models: GENERATION_2_5,
    summary: "the model takes thinking budgets instead of levels",
    settings: { thinking_control: "budget" },
    source: THINKING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  ...budgets(),
  {
    id: "Q43",
    models: GENERATION_3,
    summary: "the model takes thinking levels and cannot be told not to think",
    settings: { thinking_control: "level", thinking_off: false, efforts: "minimal,low,medium,high" },
    source: THINKING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q43",
    models: ["gemini-3-pro*"],
    summary: "the model's thinking levels are low and high",
    settings: { efforts: "low,high" },
    source: THINKING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q43",
    models: ["gemini-3.*-pro*", "gemini-pro-latest"],
    summary: "the model's thinking levels are low, medium and high",
    settings: { efforts: "low,medium,high" },
    source: THINKING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q43",
    models: ["gemini-1*", "gemini-2.0*", "!gemini-2.0-flash-thinking*"],
    summary: "the model does not think and refuses to be told how",
    rejects: ["reasoning"],
    source: THINKING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q34",
    models: [...GENERATION_3, "!gemini-3*-image*"],
    summary: "the first call of each step of the current turn must carry its thought signature",
    settings: { signature_check: true },
    source: "https://ai.google.dev/gemini-api/docs/thought-signatures",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q40",
    models: BEFORE_3,
    summary: "results of functions hold no media",
    settings: { tool_result_media: false },
    source: "https://github.com/google-gemini/gemini-cli/issues/17068",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q41",
    models: BEFORE_3,
    summary: "an answer in JSON and tools exclude each other, and so do functions and tools that the provider runs",
    settings: { json_with_tools: false, mixed_tools: false },
    source: "https://github.com/symfony/ai/issues/803",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q41",
    models: [...GENERATION_3, "!gemini-3*-image*"],
    summary: "tools that the provider runs may stand beside functions where their calls are to be told",
    settings: { server_tool_calls: true },
    source: "https://ai.google.dev/gemini-api/docs/tool-combination",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q42",
    models: ["gemini-1*"],
    summary: "schemas go out as a subset of OpenAPI's, which knows neither references nor additionalProperties",
    settings: { schema_dialect: "openapi", validated_calls: false },
    source: "https://github.com/tensorzero/tensorzero/issues/1028",
    checkedOn: CHECKED_ON,
  },
  {
    id: "G01",
    models: ["gemini-1*", "gemini-2.0*"],
    summary: "the model fetches no media from addresses outside the provider",
    rejects: ["messages.parts.media.url"],
    source: "https://ai.google.dev/gemini-api/docs/file-input-methods",
    checkedOn: CHECKED_ON,
  },
];

/** Google's Gemini API. */
export const gemini: ProviderEntry = {
  kind: "gemini",
  displayName: "Google Gemini API",
  baseUrl: "https://generativelanguage.googleapis.com/v1beta",
  auth: { kind: "header", name: "x-goog-api-key", required: true },
  environment: { apiKey: ["GEMINI_API_KEY", "GOOGLE_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "generate",
      dialect: geminiGenerate,
      settings: {
        max_stops: 5,
        service_tier: true,
        store: true,
      },
      quirks: geminiQuirks,
    },
  ],
  billing: BILLS_TO_THE_END,
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};

// Each model of the generation has a range of its own; the largest one cannot be told not to think.
function budgets(): readonly ModelQuirk[] {
  const ranges: readonly (readonly [models: readonly string[], least: number, most: number, off: boolean])[] = [
    [["gemini-2.5-pro*"], 128, 32_768, false],
    [["gemini-2.5-flash*", "!gemini-2.5-flash-lite*"], 0, 24_576, true],
    [["gemini-2.5-flash-lite*"], 512, 24_576, true],
  ];
  return ranges.map(([models, least, most, off]) => ({
    id: "Q43",
    models,
    summary: `the model's thinking budgets are ${least} to ${most} tokens`,
    settings: { min_thinking_budget: least, max_thinking_budget: most, thinking_off: off },
    source: THINKING_GUIDE,
    checkedOn: CHECKED_ON,
  }));
}
