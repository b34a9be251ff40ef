import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, Effort, Role } from "../contract/index.ts";
import { ApiChooser, type ApiChoice } from "./choose-api.ts";
import { openai } from "./entries/openai.ts";
import { quirksFor, type ApiName } from "./entry.ts";

type RequestInit = Exclude<MessageInitShape<typeof ChatRequestSchema>, { $typeName: string }>;

const tools: NonNullable<RequestInit["tools"]> = [{ kind: { case: "function", value: { name: "f" } } }];

function choose(model: string, init: RequestInit, configured: "auto" | ApiName = "auto"): ApiChoice {
  const chooser = new ApiChooser(openai, configured, model, (api) => ({
    provider: "openai",
    model,
    region: undefined,
    facts: { capabilities: {}, quirks: quirksFor(openai, model, api) },
  }));
  const messages = [{ role: Role.USER, parts: [{ kind: { case: "text" as const, value: { text: "Hi" } } }] }];
  return chooser.choose(create(ChatRequestSchema, { model, messages, ...init }));
}

const low = { effort: Effort.LOW };
const none = { effort: Effort.NONE };

describe("the API of OpenAI's that serves a request", () => {
  test.each<[model: string, init: RequestInit, api: string, rule: string | undefined]>([
    ["gpt-4o", { tools, reasoning: {} }, "chat", undefined],
    ["gpt-4o-audio-preview", {}, "chat", "api-chat-only"],
    ["gpt-4o-search-preview", {}, "chat", "api-chat-only"],
    ["gpt-4-0613", { tools }, "chat", "api-chat-only"],
    ["o3-pro", {}, "responses", "api-responses-only"],
    ["gpt-5.2-pro-2025-12-11", {}, "responses", "api-responses-only"],
    ["gpt-5.3-codex", { tools }, "responses", "api-responses-only"],
    ["o4-mini-deep-research", {}, "responses", "api-responses-only"],
    // Chat completions refuse the pair, and only the pair.
    ["gpt-5.4", { tools, reasoning: low }, "responses", "Q04"],
    ["gpt-5.4", { tools, reasoning: { budgetTokens: 2000 } }, "responses", "Q04"],
    ["gpt-5.4", { tools }, "chat", undefined],
    ["gpt-5.4", { tools, reasoning: none }, "chat", undefined],
    ["gpt-5.4", { reasoning: low }, "chat", undefined],
    // It reasons by default, so that tools alone are refused.
    ["gpt-5.6-sol", { tools }, "responses", "Q04"],
    ["gpt-5.6-sol", { tools, reasoning: none }, "chat", undefined],
    ["gpt-5.6-sol", { tools, reasoning: { enabled: false } }, "chat", undefined],
    ["gpt-5.6-sol", { reasoning: low }, "chat", undefined],
    ["gpt-5.2", { tools }, "chat", undefined],
    ["gpt-5.2", { tools, reasoning: low }, "responses", "api-keeps-reasoning"],
    ["gpt-5-mini", { tools }, "responses", "api-keeps-reasoning"],
    ["gpt-5-chat-latest", { tools }, "chat", undefined],
  ])("%s with %j is served by %s because of %s", (model, init, api, rule) => {
    const choice = choose(model, init);
    expect([choice.api.name, choice.rule?.id]).toEqual([api, rule]);
    // What the codec is told of the model is what holds at that API.
    expect(choice.target.facts.quirks).toEqual(quirksFor(openai, model, choice.api));
  });

  test("a preference gives way to what only the other API can express; a refusal does not", () => {
    const sampling = { stop: ["END"] };
    expect(choose("gpt-5-mini", { tools, sampling })).toMatchObject({ api: { name: "chat" }, rule: undefined });
    expect(choose("gpt-5.6-sol", { tools, sampling })).toMatchObject({
      api: { name: "responses" },
      rule: { id: "Q04" },
    });
    // Where neither can, the preferred one says why.
    expect(choose("gpt-5-mini", { tools, sampling: { topK: 3 } })).toMatchObject({ api: { name: "responses" } });
  });

  test("fields of one API's own keep a request that may go there", () => {
    const rawParams = [{ dialect: "openai-chat", json: '{"x":1}' }];
    expect(choose("gpt-5-mini", { tools, rawParams }).api.name).toBe("chat");
  });

  test.each<[ApiName]>([["chat"], ["responses"]])("api: %s is obeyed whatever the rules say", (api) => {
    for (const model of ["gpt-4o", "o3-pro", "gpt-5.6-sol"]) {
      const choice = choose(model, { tools }, api);
      expect([choice.api.name, choice.rule]).toEqual([api, undefined]);
    }
  });
});
