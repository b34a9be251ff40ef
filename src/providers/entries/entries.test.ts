import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, Effort, Role } from "../../contract/index.ts";
import { unusableSettings } from "../../dialects/openai-chat/index.ts";
import { quirksFor } from "../entry.ts";
import { PROVIDER_ENTRIES } from "./index.ts";
import { openai } from "./openai.ts";

describe.each([...PROVIDER_ENTRIES])("the entry %s", (kind, entry) => {
  test(`the entry ${kind} says where it is from, when it was checked, and nothing without effect`, () => {
    expect(entry.kind).toBe(kind);
    expect(unusableSettings(entry.settings)).toEqual([]);
    for (const quirk of entry.quirks) {
      expect(unusableSettings(quirk.settings ?? {})).toEqual([]);
      expect(quirk.checkedOn).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      expect(quirk.source).toMatch(/^https:\/\//);
      expect(Object.keys(quirk.settings ?? {}).length + (quirk.rejects ?? []).length).toBeGreaterThan(0);
    }
    expect(entry.baseUrl?.endsWith("/") ?? false).toBe(false);
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
    return openai.dialect.unsupported(request, target).map(({ field }) => field);
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
