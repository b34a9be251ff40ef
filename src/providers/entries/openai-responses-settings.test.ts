import { describe, expect, test } from "vitest";
import { unusableSettings } from "../../dialects/openai-responses/index.ts";
import { matchesModel } from "../entry.ts";
import {
  openaiApiRules,
  openaiResponsesQuirks,
  openaiResponsesSettings,
  quirksOfBothApis,
  type ApiRule,
} from "./openai-responses-settings.ts";
import { openai } from "./openai.ts";

test("what is known of OpenAI's use of the dialect takes effect", () => {
  expect(unusableSettings(openaiResponsesSettings)).toEqual([]);
  for (const quirk of openaiResponsesQuirks) {
    expect(unusableSettings(quirk.settings ?? {})).toEqual([]);
    expect(Object.keys(quirk.settings ?? {}).length + (quirk.rejects ?? []).length).toBeGreaterThan(0);
    expect(quirk.source).toMatch(/^https:\/\//);
    expect(quirk.checkedOn).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  }
});

test("quirks of both APIs are known, and their settings are those of both dialects", () => {
  const shared = openai.quirks.filter(({ id }) => quirksOfBothApis.has(id));
  expect(new Set(shared.map(({ id }) => id))).toEqual(quirksOfBothApis);
  expect(shared.flatMap(({ settings }) => unusableSettings(settings ?? {}))).toEqual([]);
});

describe("openaiApiRules", () => {
  function ruleFor(model: string): Pick<ApiRule, "api" | "when"> | undefined {
    return openaiApiRules.find(({ models }) => matchesModel(models, model));
  }

  test.each([
    ["gpt-4o-audio-preview", { api: "chat", when: "always" }],
    ["gpt-4o-search-preview", { api: "chat", when: "always" }],
    ["gpt-4-0613", { api: "chat", when: "always" }],
    ["o3-pro", { api: "responses", when: "always" }],
    ["gpt-5.2-pro-2025-12-11", { api: "responses", when: "always" }],
    ["gpt-5.3-codex", { api: "responses", when: "always" }],
    ["o4-mini-deep-research", { api: "responses", when: "always" }],
    ["gpt-5.4", { api: "responses", when: "tools_while_reasoning", binding: true }],
    ["gpt-5.6-sol", { api: "responses", when: "tools_while_reasoning", binding: true }],
    ["gpt-5-mini", { api: "responses", when: "tools_while_reasoning", binding: false }],
    ["o4-mini", { api: "responses", when: "tools_while_reasoning", binding: false }],
  ])("the first rule for %s is %j", (model, expected) => {
    expect(ruleFor(model)).toMatchObject(expected);
  });

  test("models without a rule go to chat completions", () => {
    expect(["gpt-4o", "gpt-4.1-mini", "gpt-5-chat-latest"].map(ruleFor)).toEqual([undefined, undefined, undefined]);
  });
});
