import { describe, expect, test } from "vitest";
import { Effort, Modality, ReasoningVisibility } from "../../contract/index.ts";
import { bodyOf, encode, requestOf, type RequestInit } from "./request.fixture.ts";
import { geminiGenerate } from "./index.ts";
import { reasonThrown, targetWith } from "./target.fixture.ts";

const config = (init: RequestInit, target?: ReturnType<typeof targetWith>) => bodyOf(init, target)["generationConfig"];

describe("encode puts the model into the path", () => {
  test.each([
    ["gemini-3-flash", "/models/gemini-3-flash"],
    ["models/gemini-3-flash", "/models/gemini-3-flash"],
    ["tunedModels/my-model", "/tunedModels/my-model"],
    ["a/b", "/models/a%2Fb"],
    ["../../v1/x?key=1#f", "/models/..%2F..%2Fv1%2Fx%3Fkey%3D1%23f"],
    ["models/..", "/models/.."],
    ["é \ud83d", "/models/%C3%A9%20%EF%BF%BD"],
  ])("encode writes the model %s as %s", (model, path) => {
    const target = { ...targetWith(), model };
    expect(encode({}, target).path).toBe(`${path}:generateContent`);
    expect(encode({}, target, true).path).toBe(`${path}:streamGenerateContent?alt=sse`);
  });

  test("encode asks for the framing that goes with the method, and says nothing else about streams", () => {
    expect(encode({}).headers).toEqual({ accept: "application/json" });
    expect(encode({}, targetWith(), true).headers).toEqual({ accept: "text/event-stream" });
    expect(encode({}).body).toBe(encode({}, targetWith(), true).body);
    expect(encode({}).body).toBe('{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}');
  });
});

describe("encode writes sampling", () => {
  test("encode writes every parameter, also zeros", () => {
    const sampling = {
      temperature: 0,
      topP: 0.5,
      topK: 3,
      frequencyPenalty: 0,
      presencePenalty: -1,
      candidates: 2,
      maxOutputTokens: 9,
      stop: ["a", "b"],
      logprobs: true,
      topLogprobs: 4,
      seed: -7n,
    };
    expect(config({ sampling })).toEqual({
      temperature: 0,
      topP: 0.5,
      topK: 3,
      frequencyPenalty: 0,
      presencePenalty: -1,
      candidateCount: 2,
      maxOutputTokens: 9,
      stopSequences: ["a", "b"],
      responseLogprobs: true,
      logprobs: 4,
      seed: -7,
    });
  });

  test("encode asks for log probabilities where only their number is given", () => {
    expect(config({ sampling: { topLogprobs: 2 } })).toEqual({ responseLogprobs: true, logprobs: 2 });
  });

  test("encode leaves out what changes nothing and the wire lacks", () => {
    expect(config({ sampling: { minP: 0, repetitionPenalty: 1, topK: 0 } })).toBeUndefined();
  });

  test("encode leaves a seed of more than 32 bits out and tells", () => {
    const { body, adaptations } = encode({ sampling: { seed: 2n ** 31n } });
    expect(body).not.toContain("seed");
    expect(adaptations).toMatchObject([{ field: "sampling.seed", requestedJson: "2147483648" }]);
  });
});

describe("encode writes output", () => {
  test("encode asks for JSON, modalities and a voice", () => {
    expect(config({ output: { format: { case: "jsonObject", value: {} } } })).toEqual({
      responseMimeType: "application/json",
    });
    const modalities = [Modality.TEXT, Modality.IMAGE, Modality.AUDIO];
    expect(config({ output: { modalities, audio: { voice: "Kore", format: "pcm16" } } })).toEqual({
      responseModalities: ["TEXT", "IMAGE", "AUDIO"],
      speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: "Kore" } } },
    });
  });

  test("encode tells of a verbosity and of a schema's description", () => {
    const value = { name: "n", description: "d", schemaJson: '{"type":"object"}' };
    const { adaptations } = encode({ output: { format: { case: "jsonSchema", value }, verbosity: "low" } });
    expect(adaptations.map(({ field }) => field)).toEqual(["output.json_schema.description", "output.verbosity"]);
  });
});

describe("encode writes reasoning", () => {
  const thinking = (reasoning: object, settings: object = {}) => {
    const { body, adaptations } = encode({ reasoning }, targetWith(settings as never));
    const { generationConfig } = JSON.parse(body) as { generationConfig?: { thinkingConfig?: unknown } };
    return [generationConfig?.thinkingConfig, adaptations.map(({ field, appliedJson }) => `${field} ${appliedJson}`)];
  };
  const budget = { thinking_control: "budget", min_thinking_budget: 128, max_thinking_budget: 1000 };
  const level = { thinking_control: "level", efforts: "low,high" };

  test.each([
    [{ enabled: false }, {}, { thinkingBudget: 0 }, []],
    [{ effort: Effort.NONE }, budget, { thinkingBudget: 0 }, []],
    [{ budgetTokens: 0 }, budget, { thinkingBudget: 0 }, []],
    [{ enabled: true }, budget, { thinkingBudget: -1 }, []],
    [{ enabled: true }, level, undefined, []],
    [{ budgetTokens: 500 }, {}, { thinkingBudget: 500 }, []],
    [{ budgetTokens: 500 }, budget, { thinkingBudget: 500 }, []],
    [{ budgetTokens: 5 }, budget, { thinkingBudget: 128 }, ['reasoning.budget_tokens {"thinkingBudget":128}']],
    [{ budgetTokens: 5000 }, budget, { thinkingBudget: 1000 }, ['reasoning.budget_tokens {"thinkingBudget":1000}']],
    [{ effort: Effort.LOW }, budget, { thinkingBudget: 1000 }, ['reasoning.effort {"thinkingBudget":1000}']],
    [{ effort: Effort.LOW }, {}, { thinkingLevel: "LOW" }, []],
    [{ effort: Effort.MEDIUM }, level, { thinkingLevel: "LOW" }, ['reasoning.effort "low"']],
    [{ effort: Effort.MAX }, {}, { thinkingLevel: "HIGH" }, ['reasoning.effort "high"']],
    [{ budgetTokens: 30_000 }, level, { thinkingLevel: "HIGH" }, ['reasoning.budget_tokens "high"']],
    [{ budgetTokens: 9, effort: Effort.LOW }, {}, { thinkingLevel: "LOW" }, ["reasoning.budget_tokens "]],
    [{ budgetTokens: 900, effort: Effort.LOW }, budget, { thinkingBudget: 900 }, ["reasoning.effort "]],
    [{ visibility: ReasoningVisibility.SUMMARY }, {}, { includeThoughts: true }, []],
    [{ visibility: ReasoningVisibility.OMITTED }, {}, { includeThoughts: false }, []],
    [{ visibility: ReasoningVisibility.FULL }, {}, { includeThoughts: true }, ['reasoning.visibility "SUMMARY"']],
  ])("encode writes %j at %j as %j and tells %j", (reasoning, settings, wire, told) => {
    expect(thinking(reasoning, settings)).toEqual([wire, told]);
  });

  test("encode tells a model that does not reason nothing about reasoning", () => {
    const target = targetWith({}, {}, ["reasoning"]);
    expect(bodyOf({ reasoning: { enabled: false } }, target)).not.toHaveProperty("generationConfig");
  });
});

describe("encode treats advisory fields", () => {
  const asked: RequestInit = {
    caching: { key: "k", ttlSeconds: 60 },
    serviceTier: "flex",
    endUserId: "u",
    metadata: { team: "a", Team: "b" },
    store: true,
    prediction: [{ kind: { case: "text", value: { text: "x" } } }],
  };

  test("encode leaves out what the provider is not known to take, and tells each", () => {
    const { body, adaptations } = encode(asked);
    expect(Object.keys(JSON.parse(body) as object)).toEqual(["contents"]);
    expect(adaptations.map(({ field }) => field)).toEqual([
      "service_tier",
      "store",
      "metadata",
      "caching.key",
      "caching.ttl_seconds",
      "end_user_id",
      "prediction",
    ]);
  });

  test("encode sends them where settings say that the provider takes them", () => {
    const target = targetWith({ service_tier: true, store: true, labels: true });
    expect(bodyOf(asked, target)).toMatchObject({ serviceTier: "flex", store: true, labels: { team: "a" } });
    expect(encode(asked, target).adaptations.map(({ field }) => field)).toEqual([
      "metadata",
      "caching.key",
      "caching.ttl_seconds",
      "end_user_id",
      "prediction",
    ]);
    expect(bodyOf({ store: false }, target)).toMatchObject({ store: false });
    expect(encode({ serviceTier: "auto" }, target).adaptations[0]?.reason).toContain("flex, standard, priority");
  });

  test("unsupported names them where the request demands all parameters", () => {
    const routing = { constraints: { requireParameters: true } };
    const fields = geminiGenerate.unsupported(requestOf({ ...asked, routing }), targetWith()).map(({ field }) => field);
    expect(fields).toContain("service_tier");
    expect(reasonThrown(() => encode({ ...asked, routing }))).toBe("UNSUPPORTED_PARAMETER");
  });
});

describe("encode merges raw parameters", () => {
  const raw = (json: string, more: object = { dialect: "gemini-generate" }): RequestInit => ({
    sampling: { temperature: 1 },
    rawParams: [{ json, ...more }],
  });

  test("encode adds members, also within objects that the contract fills, word for word", () => {
    const json =
      '{"safetySettings":[{"z":1,"a":9007199254740993}],"generationConfig":{"imageConfig":{"aspectRatio":"1:1"}},' +
      '"tool_config":{"function_calling_config":{"stream_function_call_arguments":true}},"cached_content":"c/1"}';
    const { body } = encode(raw(json));
    expect(body).toContain('"safetySettings":[{"z":1,"a":9007199254740993}]');
    expect(JSON.parse(body)).toMatchObject({
      generationConfig: { temperature: 1, imageConfig: { aspectRatio: "1:1" } },
      toolConfig: { functionCallingConfig: { streamFunctionCallArguments: true } },
      cachedContent: "c/1",
    });
  });

  test("encode merges into objects that tools and speech have filled, and removes with null", () => {
    const init: RequestInit = {
      tools: [{ kind: { case: "function", value: { name: "f" } } }],
      toolChoice: { mode: 2 },
      output: { audio: { voice: "Kore" } },
      rawParams: [
        {
          dialect: "gemini-generate",
          json: '{"toolConfig":{"retrievalConfig":{"languageCode":"de"}},"generationConfig":{"speechConfig":{"languageCode":"de"}},"labels":{"a":"b"}}',
        },
        { provider: "house", json: '{"labels":null}' },
      ],
    };
    expect(bodyOf(init)).toMatchObject({
      toolConfig: { functionCallingConfig: { mode: "NONE" }, retrievalConfig: { languageCode: "de" } },
      generationConfig: { speechConfig: { voiceConfig: {}, languageCode: "de" } },
    });
    expect(bodyOf(init)).not.toHaveProperty("labels");
  });

  test.each([
    '{"contents":[]}',
    '{"system_instruction":{}}',
    '{"generationConfig":{"temperature":2}}',
    '{"generation_config":{"top_k":2}}',
    '{"generationConfig":{"thinkingConfig":{"thinkingBudget":1}}}',
    '{"generationConfig":null}',
    '{"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}}',
    "[]",
    "{",
  ])("encode refuses %s", (json) => {
    expect(reasonThrown(() => encode(raw(json)))).toBe("INVALID_REQUEST");
  });

  test("encode leaves parameters for others alone", () => {
    expect(bodyOf(raw('{"x":1}', { dialect: "openai-chat" }))).not.toHaveProperty("x");
    expect(bodyOf(raw('{"x":1}', { provider: "other" }))).not.toHaveProperty("x");
    expect(bodyOf(raw('{"x":1}', { provider: "house" }))).toHaveProperty("x");
  });
});
