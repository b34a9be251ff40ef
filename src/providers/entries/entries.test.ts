import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, Effort, Role } from "../../contract/index.ts";
import * as anthropicMessages from "../../dialects/anthropic-messages/index.ts";
import * as geminiGenerate from "../../dialects/gemini-generate/index.ts";
import * as openaiChat from "../../dialects/openai-chat/index.ts";
import * as openaiResponses from "../../dialects/openai-responses/index.ts";
import { quirksFor, type ProviderApi } from "../entry.ts";
import { PROVIDER_ENTRIES } from "./index.ts";
import { openai } from "./openai.ts";
import { SANDBOX_FORMATS } from "./sandbox-formats.ts";

// Each dialect knows which switches can take effect.
const UNUSABLE: Readonly<Record<string, (settings: Readonly<Record<string, unknown>>) => readonly string[]>> = {
  "anthropic-messages": anthropicMessages.unusableSettings,
  "gemini-generate": geminiGenerate.unusableSettings,
  "openai-chat": openaiChat.unusableSettings,
  "openai-responses": openaiResponses.unusableSettings,
};

const ENTRIES = [...PROVIDER_ENTRIES.values(), ...SANDBOX_FORMATS.map(({ entry }) => entry)];

describe.each(new Map(ENTRIES.map((entry) => [entry.kind, entry])).entries().toArray())(
  "the entry %s",
  (kind, entry) => {
    test(`the entry ${kind} says where it is from, when it was checked, and nothing without effect`, () => {
      expect(entry.kind).toBe(kind);
      expect(kind).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(entry.displayName).not.toBe("");
      expect(entry.docs).toMatch(/^https:\/\/|^[A-Za-z/-]+\.md$/);
      expectDay(entry.checkedOn);
      const apis: readonly ProviderApi[] = entry.apis;
      expect(new Set(apis.map(({ name }) => name)).size).toBe(apis.length);
      for (const rule of entry.apiRules ?? []) {
        expect(apis.map(({ name }) => name)).toContain(rule.api);
        expectDay(rule.checkedOn);
        expect(rule.source).toMatch(/^https:\/\//);
        expect(rule.summary).toMatch(/[^.\s]$/);
      }
      for (const { dialect, settings } of apis) {
        expect([dialect.id, UNUSABLE[dialect.id]?.(settings)]).toEqual([dialect.id, []]);
      }
      for (const [api, quirk] of apis.flatMap((one) => one.quirks.map((each) => [one, each] as const))) {
        expect([quirk.id, UNUSABLE[api.dialect.id]?.(quirk.settings ?? {})]).toEqual([quirk.id, []]);
        expectDay(quirk.checkedOn);
        expect(quirk.source).toMatch(/^https:\/\//);
        expect(quirk.summary).toMatch(/[^.\s]$/);
        expect(quirk.models.length).toBeGreaterThan(0);
        expect(Object.keys(quirk.settings ?? {}).length + (quirk.rejects ?? []).length).toBeGreaterThan(0);
      }
    });

    test(`the entry ${kind} has an address that is safe to send a key to`, () => {
      const { baseUrl } = entry;
      if (baseUrl === undefined) return;
      expect(baseUrl).toMatch(/^https:\/\/|^http:\/\/127\.0\.0\.1[:/]/);
      expect(new URL(baseUrl).href.replace(/\/$/, "")).toBe(baseUrl);
    });
  },
);

function expectDay(day: string): void {
  expect(day).toMatch(/^20\d\d-\d\d-\d\d$/);
  expect(Date.parse(day)).not.toBeNaN();
}

describe("PROVIDER_ENTRIES", () => {
  test("PROVIDER_ENTRIES read each variable of the environment for one kind only", () => {
    const names = [...PROVIDER_ENTRIES.values()].flatMap(({ environment }) => [
      ...environment.apiKey,
      ...environment.baseUrl,
      ...(environment.address ? [environment.address.variable] : []),
      ...(environment.unread ?? []),
    ]);
    expect(names.filter((name, place) => names.indexOf(name) !== place)).toEqual([]);
    expect(names.filter((name) => !/^[A-Z][A-Z0-9_]+$/.test(name))).toEqual([]);
  });

  test.each([
    ["DEEPSEEK_API_KEY", "deepseek"],
    ["DASHSCOPE_API_KEY", "dashscope"],
    ["MISTRAL_API_KEY", "mistral"],
    ["XAI_API_KEY", "xai"],
    ["GROQ_API_KEY", "groq"],
    ["OPENROUTER_API_KEY", "openrouter"],
    ["TOGETHER_API_KEY", "together"],
    ["FIREWORKS_API_KEY", "fireworks"],
    ["CEREBRAS_API_KEY", "cerebras"],
    ["PERPLEXITY_API_KEY", "perplexity"],
    ["MOONSHOT_API_KEY", "moonshot"],
    ["ZAI_API_KEY", "zai"],
    ["NVIDIA_API_KEY", "nvidia"],
    ["HF_TOKEN", "huggingface"],
  ])("PROVIDER_ENTRIES make of %s a provider of the kind %s", (variable, kind) => {
    expect(PROVIDER_ENTRIES.get(kind)?.environment.apiKey).toContain(variable);
  });
});

describe("openai", () => {
  function fields(model: string, sampling: object, reasoning?: object): string[] {
    const target = {
      provider: "openai",
      model,
      region: undefined,
      facts: { capabilities: {}, quirks: quirksFor(openai, model) },
    };
    const request = create(ChatRequestSchema, {
      model,
      messages: [{ role: Role.USER }],
      sampling,
      ...(reasoning ? { reasoning } : {}),
    });
    return openai.apis[0].dialect.unsupported(request, target).map(({ field }) => field);
  }

  test.each([
    ["gpt-4.1", { temperature: 0, stop: ["a"] }, undefined, []],
    ["gpt-5-mini", { temperature: 0 }, undefined, ["sampling.temperature"]],
    ["gpt-5-mini", { temperature: 1 }, undefined, []],
    ["gpt-5-chat-latest", { temperature: 0 }, undefined, []],
    ["gpt-5.2", { temperature: 0 }, undefined, []],
    ["gpt-5.2", { temperature: 0 }, { effort: Effort.LOW }, ["sampling.temperature"]],
    ["gpt-5.2-pro", { temperature: 0 }, undefined, ["sampling.temperature"]],
    ["gpt-5.5", { temperature: 0 }, { effort: Effort.NONE }, []],
    ["gpt-5-mini", {}, { effort: Effort.NONE }, ["reasoning.effort"]],
    ["o3", { stop: ["a"] }, undefined, ["sampling.stop"]],
    ["o3-mini", { stop: ["a"] }, undefined, []],
    [
      "o4-mini-2025-04-16",
      { stop: ["a"], frequencyPenalty: 1, presencePenalty: 0 },
      undefined,
      ["sampling.frequency_penalty", "sampling.stop"],
    ],
    ["gpt-4o", { stop: ["a", "b", "c", "d", "e"], topK: 3 }, undefined, ["sampling.top_k", "sampling.stop"]],
  ])("openai's %s with %j and reasoning %j refuses %j", (model, sampling, reasoning, expected) => {
    expect(fields(model, sampling, reasoning)).toEqual(expected);
  });
});
