import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, Effort, Role } from "../../contract/index.ts";
import { unusableSettings } from "../../dialects/anthropic-messages/index.ts";
import { keyAuth } from "../../upstream/auth/key-auth.ts";
import { createProvider } from "../create-adapter.ts";
import { quirksFor } from "../entry.ts";
import { anthropic } from "./anthropic.ts";

function targetOf(model: string) {
  return {
    provider: "anthropic",
    model,
    region: undefined,
    facts: { capabilities: {}, quirks: quirksFor(anthropic, model) },
  };
}

function requestOf(init: object) {
  const messages = [{ role: Role.USER, parts: [{ kind: { case: "text", value: { text: "Hi" } } }] }];
  return create(ChatRequestSchema, { model: "m", messages, sampling: { maxOutputTokens: 4000 }, ...init } as never);
}

function refused(model: string, init: object): string[] {
  return anthropic.apis[0].dialect.unsupported(requestOf(init), targetOf(model)).map(({ field }) => field);
}

function sent(model: string, init: object): Record<string, unknown> {
  return JSON.parse(
    anthropic.apis[0].dialect.encode(requestOf(init), targetOf(model), { stream: false }).body,
  ) as Record<string, unknown>;
}

describe("anthropic", () => {
  test("anthropic says where it is from, when it was checked, and nothing without effect", () => {
    expect(unusableSettings(anthropic.apis[0].settings)).toEqual([]);
    for (const quirk of anthropic.apis[0].quirks) {
      expect(unusableSettings(quirk.settings ?? {})).toEqual([]);
      expect(quirk.checkedOn).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      expect(quirk.source).toMatch(/^https:\/\//);
      expect(Object.keys(quirk.settings ?? {}).length + (quirk.rejects ?? []).length).toBeGreaterThan(0);
    }
  });

  test("anthropic's calls go to its address with the key and the version in headers", () => {
    const credentials = [{ id: "a", auth: keyAuth(anthropic.auth, { reveal: () => "secret" }) }];
    const catalogue = { lookup: () => ({ capabilities: {}, quirks: [], maxOutputTokens: 64_000 }), modelIds: [] };
    const options = {
      name: "ant",
      entry: anthropic,
      api: "auto" as const,
      baseUrl: undefined,
      credentials,
      models: undefined,
      facts: {},
      catalogue,
    };
    const provider = createProvider(options);
    const to = provider.target("claude-sonnet-4-5");
    if (!to) throw new Error("no target");
    const { http, adaptations } = provider.adapter.prepare(requestOf({ sampling: {} }), to, true);
    expect([http.origin, http.path, adaptations]).toEqual(["https://api.anthropic.com", "/v1/messages", []]);
    expect(http.headers).toMatchObject({ "x-api-key": "secret", "anthropic-version": "2023-06-01" });
    expect(http.headers).not.toHaveProperty("authorization");
    expect(JSON.parse(http.body)).toMatchObject({ model: "claude-sonnet-4-5", max_tokens: 64_000, stream: true });
  });

  test.each([
    ["claude-3-opus-20240229", { sampling: { temperature: 0.8, topK: 5 } }, []],
    ["claude-3-opus-20240229", { reasoning: { enabled: true } }, ["reasoning"]],
    ["claude-sonnet-4-5", { sampling: { temperature: 0.5, topP: 0.5 } }, ["sampling.top_p"]],
    ["claude-opus-4-5-20251101", { sampling: { temperature: 0.5, topP: 0.5 } }, []],
    ["claude-opus-4-7", { sampling: { temperature: 0.5 } }, ["sampling.temperature"]],
    ["claude-opus-4-7", { sampling: { temperature: 1 } }, []],
    ["claude-sonnet-5", { sampling: { topK: 5 } }, ["sampling.top_k"]],
    ["claude-haiku-5-5", { sampling: { topK: 5 } }, ["sampling.top_k"]],
    ["claude-fable-5", { reasoning: { enabled: false } }, ["reasoning.enabled"]],
    ["claude-opus-5", { reasoning: { enabled: false } }, []],
    [
      "claude-sonnet-4-20250514",
      { output: { format: { case: "jsonSchema", value: { name: "n", schemaJson: "{}" } } } },
      ["output.json_schema"],
    ],
    ["claude-haiku-4-5", { output: { format: { case: "jsonSchema", value: { name: "n", schemaJson: "{}" } } } }, []],
    ["claude-sonnet-4-6", { messages: [{ role: Role.ASSISTANT, prefill: true }] }, ["messages[0].prefill"]],
    ["claude-sonnet-4-5", { messages: [{ role: Role.ASSISTANT, prefill: true }] }, []],
  ])("anthropic's %s with %j refuses %j", (model, init, expected) => {
    expect(refused(model, init)).toEqual(expected);
  });

  test.each([
    ["claude-3-7-sonnet@20250219", { enabled: false }, undefined, undefined],
    ["claude-sonnet-4-0", { budgetTokens: 2000 }, { type: "enabled", budget_tokens: 2000 }, undefined],
    ["claude-opus-4-5", { effort: Effort.MAX }, { type: "enabled", budget_tokens: 3200 }, { effort: "high" }],
    ["claude-sonnet-4-6", { budgetTokens: 2000 }, { type: "enabled", budget_tokens: 2000 }, undefined],
    ["claude-sonnet-4-6", { effort: Effort.MEDIUM }, { type: "adaptive" }, { effort: "medium" }],
    ["claude-opus-4-6", { effort: Effort.XHIGH }, { type: "adaptive" }, { effort: "high" }],
    ["claude-opus-4-7", { budgetTokens: 2000 }, { type: "adaptive" }, { effort: "low" }],
    ["claude-opus-4-8", { enabled: false }, undefined, undefined],
    ["claude-opus-5", { enabled: false }, { type: "disabled" }, undefined],
    ["claude-of-tomorrow", { effort: Effort.XHIGH }, { type: "adaptive" }, { effort: "xhigh" }],
  ])("anthropic's %s is told to reason by %j as %j and %j", (model, reasoning, thinking, config) => {
    const body = sent(model, { reasoning });
    expect([body["thinking"], body["output_config"]]).toEqual([thinking, config]);
  });
});
