import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, RankBy, Support, type ChatRequest } from "../contract/index.ts";
import type { ModelFacts } from "../catalog/facts.ts";
import { ParleyError, reasonName } from "../errors/index.ts";
import { ModelTable, type ProviderModels } from "./model-table.ts";
import { plan, type PlanPorts } from "./plan.ts";
import type { Target } from "./target.ts";

const facts = (more: Partial<ModelFacts> = {}): ModelFacts => ({ capabilities: {}, quirks: [], ...more });
const priced = (input: number, output: number): Partial<ModelFacts> => ({
  prices: {
    version: "config",
    entries: [
      { unit: "input", nanoUsd: input },
      { unit: "output", nanoUsd: output },
    ],
  },
});

function provider(name: string, models: Record<string, Partial<ModelFacts>>, region?: string): ProviderModels {
  const targets = new Map<string, Target>();
  for (const [id, more] of Object.entries(models)) {
    targets.set(id, { name: `${name}/${id}`, provider: name, model: id, region, facts: facts(more) });
  }
  return { name, modelIds: [...targets.keys()], lists: (id) => targets.has(id), target: (id) => targets.get(id) };
}

const east = provider(
  "east",
  { "m/large": priced(300, 900), shared: { ...priced(10, 20), dataPolicy: { retains: false, trains: false } } },
  "eu",
);
const west = provider("west", { shared: { ...priced(5, 10), capabilities: { tools: Support.NATIVE } }, unpriced: {} });
const fast = {
  name: "fast",
  targets: [west.target("shared"), east.target("shared")].filter((one) => one !== undefined),
};
const table = new ModelTable([fast], [east, west]);
const all: PlanPorts = { allowsModel: () => true, unsupported: () => [] };

function request(init: MessageInitShape<typeof ChatRequestSchema>): ChatRequest {
  return create(ChatRequestSchema, init);
}

function names(init: MessageInitShape<typeof ChatRequestSchema>, ports: PlanPorts = all): string[] {
  return plan(request(init), table, ports).targets.map((target) => target.name);
}

function failure(init: MessageInitShape<typeof ChatRequestSchema>, ports: PlanPorts = all): ParleyError {
  try {
    plan(request(init), table, ports);
  } catch (thrown) {
    if (thrown instanceof ParleyError) return thrown;
  }
  throw new Error("expected a ParleyError");
}

describe("plan resolves names", () => {
  test("an exact route goes before everything", () => {
    expect(names({ model: "fast" })).toEqual(["west/shared", "east/shared"]);
  });
  test("the first segment is a provider, and the rest, slashes included, its model", () => {
    expect(names({ model: "east/m/large" })).toEqual(["east/m/large"]);
  });
  test("a catalogue id is served by the providers that have it, in file order", () => {
    expect(names({ model: "shared" })).toEqual(["east/shared", "west/shared"]);
  });
  test("a misspelt name is answered with what it resembles", () => {
    expect(failure({ model: "fsat" }).message).toContain("did you mean fast?");
    expect(reasonName(failure({ model: "east/nothing" }).reason)).toBe("MODEL_NOT_FOUND");
  });
  test("fallbacks follow in order, and each target comes once", () => {
    expect(names({ model: "west/shared", routing: { fallbackModels: ["fast", "east/m/large"] } })).toEqual([
      "west/shared",
      "east/shared",
      "east/m/large",
    ]);
  });
  test("an unknown fallback is an error that names it", () => {
    expect(failure({ model: "fast", routing: { fallbackModels: ["nope-nope"] } }).field).toBe(
      "routing.fallback_models[0]",
    );
  });
});

describe("plan obeys constraints, for which unknown is not satisfied", () => {
  test.each<[string, MessageInitShape<typeof ChatRequestSchema>["routing"], string[]]>([
    ["allow_providers", { constraints: { allowProviders: ["east"] } }, ["east/shared"]],
    ["deny_providers", { constraints: { denyProviders: ["west"] } }, ["east/shared"]],
    ["regions", { constraints: { regions: ["eu"] } }, ["east/shared"]],
    ["zero_retention", { constraints: { zeroRetention: true } }, ["east/shared"]],
    ["no_training", { constraints: { noTraining: true } }, ["east/shared"]],
    ["a price", { constraints: { maxInputNanoUsdPerMillionTokens: 5n } }, ["west/shared"]],
    ["capabilities", { constraints: { requiredCapabilities: ["tools"] } }, ["west/shared"]],
  ])("%s", (_name, routing, expected) => {
    expect(names({ model: "fast", ...(routing ? { routing } : {}) })).toEqual(expected);
  });

  test("an unknown price satisfies no limit", () => {
    const error = failure({
      model: "west/unpriced",
      routing: { constraints: { maxOutputNanoUsdPerMillionTokens: 1_000_000n } },
    });
    expect(reasonName(error.reason)).toBe("NO_ELIGIBLE_TARGET");
    expect(error.exclusions).toMatchObject([
      { constraint: "routing.constraints.max_output_nano_usd_per_million_tokens", count: 1, example: "west/unpriced" },
    ]);
  });
});

describe("plan orders, permits and explains", () => {
  test("provider_order is a preference, and allow_fallbacks false leaves one target", () => {
    expect(names({ model: "fast", routing: { providerOrder: ["east"] } })).toEqual(["east/shared", "west/shared"]);
    expect(names({ model: "fast", routing: { allowFallbacks: false } })).toEqual(["west/shared"]);
  });
  test("rank_by price puts the cheapest first and the unpriced last", () => {
    const routing = { rankBy: RankBy.PRICE, fallbackModels: ["fast", "east/m/large"] };
    expect(names({ model: "west/unpriced", routing })).toEqual([
      "west/shared",
      "east/shared",
      "east/m/large",
      "west/unpriced",
    ]);
  });
  test("a key that may use neither the route nor its targets is told so", () => {
    expect(reasonName(failure({ model: "fast" }, { ...all, allowsModel: () => false }).reason)).toBe(
      "MODEL_NOT_ALLOWED",
    );
    expect(names({ model: "fast" }, { ...all, allowsModel: (name) => name === "east/shared" })).toEqual([
      "east/shared",
    ]);
  });
  test("what the targets cannot do is a typed error that names the field", () => {
    const error = failure(
      { model: "fast" },
      { ...all, unsupported: () => [{ field: "sampling.top_k", reason: "no such parameter", capability: false }] },
    );
    expect(reasonName(error.reason)).toBe("UNSUPPORTED_PARAMETER");
    expect(error.field).toBe("sampling.top_k");
    expect(error.exclusions).toMatchObject([{ constraint: "sampling.top_k", count: 2 }]);
  });
});
