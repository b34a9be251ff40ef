import { anthropicMessages } from "../../dialects/anthropic-messages/index.ts";
import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_WHAT_STREAMED } from "./billing-rules.ts";

const CHECKED_ON = "2026-11-20";
const API_REFERENCE = "https://platform.claude.com/docs/en/api/messages";
const MIGRATION_GUIDE = "https://platform.claude.com/docs/en/about-claude/models/migration-guide";
const THINKING_GUIDE = "https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking";
const EFFORT_GUIDE = "https://platform.claude.com/docs/en/build-with-claude/effort";

const BEFORE_4_1 = [
  "claude-instant*",
  "claude-2*",
  "claude-3*",
  "claude-*-4",
  "claude-*-4-0*",
  "claude-*-4-2025*",
  "claude-*-4@2025*",
];
const BEFORE_4_5 = [...BEFORE_4_1, "claude-*-4-1*"];
const BEFORE_4_6 = [...BEFORE_4_5, "claude-*-4-5*"];
const BEFORE_4_7 = [...BEFORE_4_6, "claude-*-4-6*"];
const BEFORE_5 = [...BEFORE_4_7, "claude-*-4-7*", "claude-*-4-8*"];

/** Where the models deviate from what the API knows, also where others serve them. Newer ones are as the newest. */
export const anthropicQuirks: readonly ModelQuirk[] = [
  {
    id: "Q20",
    models: ["*"],
    summary: "max_tokens is required; a model of which nothing is known gets as much as the oldest one allows",
    settings: { default_max_tokens: 4096 },
    source: API_REFERENCE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q21",
    models: allBut(BEFORE_4_7),
    summary: "the model accepts only the default temperature and top_p, and no top_k",
    settings: { sampling: "default" },
    source: MIGRATION_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "anthropic-one-of-temperature-and-top-p",
    models: ["claude-opus-4-1*", "claude-sonnet-4-5*", "claude-haiku-4-5*"],
    summary: "the model takes either a temperature or top_p",
    settings: { sampling: "one_of" },
    source: MIGRATION_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q22",
    models: allBut(BEFORE_4_7),
    summary: "budgets of reasoning are rejected; the model reasons adaptively, as much as its effort says",
    settings: { thinking: "adaptive", thinking_display: true, effort: true },
    source: "https://github.com/NousResearch/hermes-agent/issues/11137",
    checkedOn: CHECKED_ON,
  },
  {
    id: "anthropic-both-kinds-of-thinking",
    models: ["claude-*-4-6*"],
    summary: "the model reasons adaptively or by a budget",
    settings: { thinking: "both", thinking_display: true, effort: true },
    source: THINKING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "anthropic-no-thinking",
    models: ["claude-instant*", "claude-2*", "claude-3-opus*", "claude-3-sonnet*", "claude-3-haiku*", "claude-3-5*"],
    summary: "the model does not reason",
    settings: { thinking: "none" },
    source: "https://platform.claude.com/docs/en/build-with-claude/extended-thinking",
    checkedOn: CHECKED_ON,
  },
  {
    id: "anthropic-thinks-by-default",
    models: allBut(BEFORE_5),
    summary: "the model reasons unless it is told not to",
    settings: { thinking_off: "disabled" },
    source: MIGRATION_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q23",
    models: ["claude-fable*", "claude-mythos*"],
    summary: "the model always reasons",
    settings: { thinking_off: "never" },
    source: THINKING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "anthropic-effort-4-5",
    models: ["claude-opus-4-5*"],
    summary: "the model takes an effort beside a budget of reasoning",
    settings: { effort: true },
    source: EFFORT_GUIDE,
    checkedOn: CHECKED_ON,
  },
  ...effortLadders(),
  {
    id: "Q24",
    models: allBut(BEFORE_4_6),
    summary: "the model does not continue a message of the assistant",
    settings: { prefill: false },
    source: MIGRATION_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q33",
    models: ["claude-opus-4-8*", "claude-opus-5*"],
    summary: "instructions may stand within the conversation",
    settings: { system_in_messages: true },
    source: "https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages",
    checkedOn: CHECKED_ON,
  },
  {
    id: "anthropic-structured-outputs",
    models: allBut(BEFORE_4_5),
    summary: "answers and arguments of tools can be made to follow a schema",
    settings: { output_format: true, strict_tools: true },
    source: "https://platform.claude.com/docs/en/build-with-claude/structured-outputs",
    checkedOn: CHECKED_ON,
  },
  {
    id: "anthropic-fast-mode",
    models: ["claude-opus-4-6*", "claude-opus-4-7*", "claude-opus-4-8*", "claude-opus-5*"],
    summary: "faster output can be asked for at a higher price",
    settings: { fast_speed: true },
    source: "https://platform.claude.com/docs/en/build-with-claude/fast-mode",
    checkedOn: CHECKED_ON,
  },
];

/** Anthropic itself. */
export const anthropic: ProviderEntry = {
  kind: "anthropic",
  displayName: "Anthropic",
  baseUrl: "https://api.anthropic.com/v1",
  auth: { kind: "header", name: "x-api-key", required: true },
  environment: { apiKey: ["ANTHROPIC_API_KEY"], baseUrl: [] },
  apis: [
    {
      name: "messages",
      dialect: anthropicMessages,
      settings: {
        beta_header: true,
        // The oldest models know the least; what newer ones changed is a quirk of each.
        thinking_off: "omit",
        web_search_tool: "web_search_20250305",
        automatic_caching: true,
        service_tier: true,
      },
      quirks: anthropicQuirks,
    },
  ],
  billing: BILLS_WHAT_STREAMED,
  docs: API_REFERENCE,
  checkedOn: CHECKED_ON,
  verified: "recorded",
};

function allBut(models: readonly string[]): readonly string[] {
  return ["*", ...models.map((glob) => `!${glob}`)];
}

// Each generation has steps of its own. A model that is not listed is told the nearest step that the API knows.
function effortLadders(): readonly ModelQuirk[] {
  const ladders: readonly (readonly [efforts: string, models: readonly string[]])[] = [
    ["low,medium,high", ["claude-opus-4-5*"]],
    ["low,medium,high,max", ["claude-*-4-6*"]],
    ["low,medium,high,xhigh,max", allBut(BEFORE_4_7)],
  ];
  return ladders.map(([efforts, models]) => ({
    id: "anthropic-efforts",
    models,
    summary: `the model's reasoning efforts are ${efforts.replaceAll(",", ", ")}`,
    settings: { efforts },
    source: EFFORT_GUIDE,
    checkedOn: CHECKED_ON,
  }));
}
