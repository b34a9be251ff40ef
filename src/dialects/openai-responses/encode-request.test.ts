import { describe, expect, test } from "vitest";
import { Effort, ReasoningVisibility, Support } from "../../contract/index.ts";
import { adaptationsOf, bodyOf, encode, refusedFields, text, user, type RequestInit } from "./request.fixture.ts";
import { reasonThrown, targetWith } from "./target.fixture.ts";

const PLAIN = { model: "m1", input: [{ role: "user", content: "Hi" }] };
const ASKED = { ...PLAIN, include: ["reasoning.encrypted_content"], store: false };

describe("encodeRequest", () => {
  test("encodeRequest asks for nothing but encrypted reasoning, and that nothing is kept", () => {
    expect(bodyOf({})).toEqual(ASKED);
    expect(encode({})).toMatchObject({ path: "/responses", headers: { accept: "application/json" }, adaptations: [] });
  });

  test("encodeRequest asks for a stream", () => {
    expect(bodyOf({}, targetWith(), true)).toEqual({ ...ASKED, stream: true });
    expect(encode({}, targetWith(), true).headers).toEqual({ accept: "text/event-stream" });
  });

  test.each<[string, RequestInit, object]>([
    ["store asked for", { store: true }, { store: true }],
    ["store refused", { store: false }, { store: false }],
    ["metadata", { metadata: { a: "b" } }, { metadata: { a: "b" } }],
    ["service tier", { serviceTier: "flex" }, { service_tier: "flex" }],
    ["end user", { endUserId: "u1" }, { user: "u1" }],
    ["cache key", { caching: { key: "k" } }, { prompt_cache_key: "k" }],
    ["output limit", { sampling: { maxOutputTokens: 9 } }, { max_output_tokens: 9 }],
    ["sampling", { sampling: { temperature: 0, topP: 0.5 } }, { temperature: 0, top_p: 0.5 }],
    ["verbosity", { output: { verbosity: "low" } }, { text: { verbosity: "low" } }],
    ["free text", { output: { format: { case: "text", value: {} } } }, { text: { format: { type: "text" } } }],
    ["effort", { reasoning: { effort: Effort.HIGH } }, { reasoning: { effort: "high" } }],
    ["no reasoning", { reasoning: { enabled: false } }, { reasoning: { effort: "none" } }],
    [
      "a summary of reasoning",
      { reasoning: { visibility: ReasoningVisibility.SUMMARY } },
      { reasoning: { summary: "auto" } },
    ],
    ["reasoning unseen", { reasoning: { visibility: ReasoningVisibility.OMITTED } }, {}],
    ["neutral values", { sampling: { candidates: 1, frequencyPenalty: 0, topK: 0 } }, {}],
  ])("encodeRequest writes %s", (_, init, expected) => {
    expect(bodyOf(init)).toEqual({ ...ASKED, ...expected });
    expect(encode(init).adaptations).toEqual([]);
  });

  test("encodeRequest asks for log probabilities in the two places of the format", () => {
    expect(bodyOf({ sampling: { logprobs: true, topLogprobs: 3 } })).toMatchObject({
      include: ["message.output_text.logprobs", "reasoning.encrypted_content"],
      top_logprobs: 3,
    });
  });

  test("encodeRequest does not ask a model that does not reason for encrypted reasoning", () => {
    const target = targetWith({}, { capabilities: { reasoning: Support.REJECTED } });
    expect(bodyOf({}, target)).toEqual({ ...PLAIN, store: false });
    expect(bodyOf({ reasoning: { enabled: false } }, target)).toEqual({ ...PLAIN, store: false });
    expect(bodyOf({}, targetWith({ encrypted_reasoning: false }))).toEqual({ ...PLAIN, store: false });
  });

  test("encodeRequest writes a schema as it was given, with its big numbers and its order", () => {
    const schemaJson = '{"type":"object", "properties":{"z":{"maximum":9007199254740993},"10":{}}}';
    const init: RequestInit = {
      output: { format: { case: "jsonSchema", value: { name: "s", schemaJson, strict: false } } },
    };
    expect(encode(init).body).toContain(`"schema":${schemaJson},"strict":false`);
    expect(bodyOf(init)["text"]).toMatchObject({ format: { type: "json_schema", name: "s" } });
  });

  test("encodeRequest adds the word json where the provider wants it and nobody has said it", () => {
    const init: RequestInit = { output: { format: { case: "jsonObject", value: {} } } };
    const target = targetWith({ json_mode_word: true });
    expect(bodyOf(init, target)["input"]).toEqual([
      { role: "user", content: "Hi" },
      { role: "system", content: "Answer with a JSON object." },
    ]);
    expect(adaptationsOf(init, target)).toHaveLength(1);
    expect(bodyOf({ ...init, messages: [user(text("as JSON"))] }, target)["input"]).toHaveLength(1);
  });
});

describe("adaptations", () => {
  test.each<[string, RequestInit, Parameters<typeof targetWith>, string[]]>([
    ["a seed", { sampling: { seed: 1n } }, [], ["sampling.seed: the wire format has no such field"]],
    ["a prediction", { prediction: [text("x")] }, [], ["prediction: the wire format has no predictions"]],
    [
      "a long end user",
      { endUserId: "u".repeat(9) },
      [{ max_end_user_chars: 8 }],
      ["end_user_id: the provider takes at most 8 characters"],
    ],
    ["store", { store: true }, [{}, {}, ["store"]], ["store: the test says no"]],
    ["a service tier", { serviceTier: "x" }, [{}, {}, ["service_tier"]], ["service_tier: the test says no"]],
    [
      "a cache key",
      { caching: { key: "k" } },
      [{ cache_key: false }],
      ["caching.key: the provider is not known to take cache keys"],
    ],
    [
      "a cache lifetime",
      { caching: { ttlSeconds: 60 } },
      [],
      ["caching.ttl_seconds: the provider cannot be asked for this lifetime"],
    ],
    [
      "a snapped cache lifetime",
      { caching: { ttlSeconds: 3600 } },
      [{ cache_ttl: "options" }],
      ["caching.ttl_seconds: the provider keeps caches for fixed times; this one is nearest"],
    ],
    [
      "an effort that the model lacks",
      { reasoning: { effort: Effort.MAX } },
      [{ efforts: "low,high" }],
      ["reasoning.effort: the model's efforts are low, high; this one is nearest"],
    ],
    [
      "a budget of reasoning",
      { reasoning: { budgetTokens: 2000 } },
      [],
      ["reasoning.budget_tokens: the wire format has efforts only; this one is nearest"],
    ],
    [
      "all of the reasoning",
      { reasoning: { visibility: ReasoningVisibility.FULL } },
      [],
      ["reasoning.visibility: the wire format can ask for summaries of reasoning only"],
    ],
    [
      "a summary where there is none",
      { reasoning: { visibility: ReasoningVisibility.SUMMARY } },
      [{ reasoning_summary: false }],
      ["reasoning.visibility: the provider cannot be asked to show its reasoning"],
    ],
  ])("encodeRequest tells what becomes of %s", (_, init, target, expected) => {
    expect(adaptationsOf(init, targetWith(...target))).toEqual(expected);
  });

  test.each([
    [1800, { ttl: "30m" }, 0],
    [43_200, { ttl: "12h" }, 0],
    [3601, { ttl: "12h" }, 1],
  ])("encodeRequest snaps a cache lifetime of %i seconds", (ttlSeconds, options, adaptations) => {
    const init: RequestInit = { caching: { ttlSeconds } };
    const target = targetWith({ cache_ttl: "options" });
    expect(bodyOf(init, target)["prompt_cache_options"]).toEqual(options);
    expect(adaptationsOf(init, target)).toHaveLength(adaptations);
    expect(bodyOf(init, targetWith({ cache_ttl: "retention" }))["prompt_cache_retention"]).toBe(
      ttlSeconds > 3600 ? "24h" : undefined,
    );
  });

  test("require_parameters makes what would be adapted unsupported", () => {
    const routing = { constraints: { requireParameters: true } };
    expect(refusedFields({ sampling: { seed: 1n }, routing })).toEqual(["sampling.seed"]);
    expect(reasonThrown(() => encode({ sampling: { seed: 1n }, routing }))).toBe("UNSUPPORTED_PARAMETER");
  });
});

describe("mergeRawParams", () => {
  const raw = (json: string): RequestInit => ({ rawParams: [{ dialect: "openai-responses", json }] });

  test("mergeRawParams takes what the contract does not model, as it is written", () => {
    const { body } = encode(raw('{"truncation":"auto","max_tool_calls":1.0,"previous_response_id":"resp_1"}'));
    expect(body).toContain('"truncation":"auto","max_tool_calls":1.0,"previous_response_id":"resp_1"');
  });

  test("mergeRawParams adds to what is included, and to how to reason", () => {
    const init = raw(
      '{"include":["code_interpreter_call.outputs"],"reasoning":{"summary":"concise","context":"auto"}}',
    );
    expect(bodyOf({ ...init, reasoning: { effort: Effort.LOW } })).toMatchObject({
      include: ["reasoning.encrypted_content", "code_interpreter_call.outputs"],
      reasoning: { effort: "low", summary: "concise", context: "auto" },
    });
  });

  test.each([
    '{"input":[]}',
    '{"store":true}',
    '{"reasoning":{"effort":"low"}}',
    '{"background":true}',
    "[]",
    '{"include":1}',
  ])("mergeRawParams refuses %s", (json) => {
    expect(reasonThrown(() => encode(raw(json)))).toBe("INVALID_REQUEST");
  });

  test("mergeRawParams leaves what is for others out", () => {
    const rawParams = [
      { dialect: "openai-chat", json: '{"a":1}' },
      { provider: "other", json: '{"b":1}' },
    ];
    expect(bodyOf({ rawParams })).toEqual(ASKED);
    expect(bodyOf({ rawParams: [{ provider: "house", json: '{"c":1}' }] })).toEqual({ ...ASKED, c: 1 });
  });
});
