import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, Effort, Role } from "../../contract/index.ts";
import { unusableSettings } from "../../dialects/gemini-generate/index.ts";
import { keyAuth } from "../../upstream/auth/key-auth.ts";
import { quirksFor } from "../entry.ts";
import { gemini } from "./gemini.ts";

function targetOf(model: string) {
  return {
    provider: "gemini",
    model,
    region: undefined,
    facts: { capabilities: {}, quirks: quirksFor(gemini, model) },
  };
}

function requestOf(init: object) {
  return create(ChatRequestSchema, {
    model: "m",
    messages: [{ role: Role.USER, parts: [{ kind: { case: "text", value: { text: "x" } } }] }],
    ...init,
  });
}

function thinking(model: string, reasoning: object): unknown {
  const { body } = gemini.apis[0].dialect.encode(requestOf({ reasoning }), targetOf(model), { stream: false });
  return (JSON.parse(body) as { generationConfig?: { thinkingConfig?: unknown } }).generationConfig?.thinkingConfig;
}

function fields(model: string, init: object): string[] {
  return gemini.apis[0].dialect.unsupported(requestOf(init), targetOf(model)).map(({ field }) => field);
}

describe("gemini", () => {
  test("gemini says where it is from, when it was checked, and nothing without effect", () => {
    expect(gemini.baseUrl).toBe("https://generativelanguage.googleapis.com/v1beta");
    expect(keyAuth(gemini.auth, { reveal: () => "k" }).current()).toEqual({ "x-goog-api-key": "k" });
    expect(gemini.environment.apiKey).toEqual(["GEMINI_API_KEY", "GOOGLE_API_KEY"]);
    expect(unusableSettings(gemini.apis[0].settings)).toEqual([]);
    for (const quirk of gemini.apis[0].quirks) {
      expect(unusableSettings(quirk.settings ?? {})).toEqual([]);
      expect(quirk.checkedOn).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      expect(quirk.source).toMatch(/^https:\/\//);
      expect(Object.keys(quirk.settings ?? {}).length + (quirk.rejects ?? []).length).toBeGreaterThan(0);
    }
  });

  test.each([
    ["gemini-2.5-pro", { effort: Effort.MAX }, { thinkingBudget: 32_768 }],
    ["gemini-2.5-pro", { budgetTokens: 1 }, { thinkingBudget: 128 }],
    ["gemini-2.5-flash", { enabled: false }, { thinkingBudget: 0 }],
    ["gemini-2.5-flash", { effort: Effort.MAX }, { thinkingBudget: 24_576 }],
    ["gemini-2.5-flash-lite-preview", { budgetTokens: 9 }, { thinkingBudget: 512 }],
    ["gemini-2.5-flash-lite", { enabled: true }, { thinkingBudget: -1 }],
    ["gemini-3-pro-preview", { effort: Effort.MEDIUM }, { thinkingLevel: "LOW" }],
    ["gemini-3.1-pro-preview", { effort: Effort.MEDIUM }, { thinkingLevel: "MEDIUM" }],
    ["gemini-3-flash-preview", { effort: Effort.MINIMAL }, { thinkingLevel: "MINIMAL" }],
    ["gemini-flash-latest", { budgetTokens: 2000 }, { thinkingLevel: "LOW" }],
    ["gemini-2.0-flash", { enabled: false }, undefined],
  ])("gemini tells %s about %j with %j", (model, reasoning, wire) => {
    expect(thinking(model, reasoning)).toEqual(wire);
  });

  const tool = { kind: { case: "function", value: { name: "f" } } };
  const search = { kind: { case: "webSearch", value: {} } };
  const json = { output: { format: { case: "jsonObject", value: {} } } };

  test.each([
    ["gemini-2.5-pro", { reasoning: { enabled: false } }, ["reasoning.enabled"]],
    ["gemini-3-flash-preview", { reasoning: { effort: Effort.NONE } }, ["reasoning.effort"]],
    ["gemini-2.0-flash", { reasoning: { effort: Effort.LOW } }, ["reasoning"]],
    ["gemini-2.0-flash-thinking-exp", { reasoning: { effort: Effort.LOW } }, []],
    ["gemini-2.5-flash", { ...json, tools: [tool] }, ["output.json_object"]],
    ["gemini-3-flash-preview", { ...json, tools: [tool] }, []],
    ["gemini-2.5-flash", { tools: [tool, search] }, ["tools"]],
    ["gemini-3.5-flash", { tools: [tool, search] }, []],
    [
      "gemini-1.5-flash",
      { tools: [{ kind: { case: "function", value: { name: "f", strict: true } } }] },
      ["tools[0].function.strict"],
    ],
    ["gemini-2.5-flash", { sampling: { stop: ["1", "2", "3", "4", "5", "6"] } }, ["sampling.stop"]],
  ])("gemini's %s with %j refuses %j", (model, init, expected) => {
    expect(fields(model, init)).toEqual(expected);
  });

  test("gemini's third generation wants signatures and tells its own steps, its image models do neither", () => {
    const settingsOf = (model: string) =>
      Object.assign({}, ...quirksFor(gemini, model).map(({ settings }) => settings)) as object;
    expect(settingsOf("gemini-3-flash-preview")).toMatchObject({ signature_check: true, server_tool_calls: true });
    expect(settingsOf("gemini-3-pro-image-preview")).not.toHaveProperty("signature_check");
    expect(settingsOf("gemini-3-pro-image-preview")).not.toHaveProperty("server_tool_calls");
  });
});
