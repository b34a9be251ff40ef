import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  ChatRequestSchema,
  ConstraintsSchema,
  Delivery,
  OnRefusal,
  Priority,
  RankBy,
  Support,
  type ChatRequest,
} from "../contract/index.ts";
import { ParleyError, reasonName } from "../errors/index.ts";
import { ModelTable } from "./model-table.ts";
import { plan, survey, type PlanPorts } from "./plan.ts";
import { DEFAULT_ROUTE_SETTINGS, type RouteSettings } from "./route-settings.ts";
import { flat, liveOf, priced, providerOf, unavailableBy } from "./routing.fixture.ts";

const east = providerOf(
  "east",
  { "m/large": priced(300, 900), shared: { ...priced(10, 20), dataPolicy: { retains: false, trains: false } } },
  "eu",
);
const west = providerOf("west", {
  shared: { ...priced(5, 10), capabilities: { tools: Support.NATIVE } },
  unpriced: {},
});
const fast = {
  name: "fast",
  targets: [west.target("shared"), east.target("shared")].filter((one) => one !== undefined),
};
const settingsOf = (more: Partial<RouteSettings>): RouteSettings => ({ ...DEFAULT_ROUTE_SETTINGS, ...more });
const strict = {
  name: "strict",
  targets: fast.targets,
  settings: settingsOf({ constraints: create(ConstraintsSchema, { regions: ["eu"] }) }),
};
const table = new ModelTable([fast, strict], [east, west], {
  tasks: [
    { name: "summarise", targets: east.target("shared") ? [east.target("shared")!] : [], settings: settingsOf({}) },
  ],
});
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

describe("plan looks at what every party demands", () => {
  test("a route's constraints exclude, and the candidates say so", () => {
    const { targets, candidates } = plan(request({ model: "strict" }), table, all);
    expect(targets.map((one) => one.name)).toEqual(["east/shared"]);
    expect(candidates).toMatchObject([
      { target: { name: "west/shared" }, exclusion: { rule: "route.constraints.regions" }, rank: undefined },
      { target: { name: "east/shared" }, exclusion: undefined, rank: 1 },
    ]);
  });
  test("a key's constraints exclude, also where one target is all there is", () => {
    const keyConstraints = create(ConstraintsSchema, { denyProviders: ["west"] });
    expect(names({ model: "fast" }, { ...all, keyConstraints })).toEqual(["east/shared"]);
    expect(failure({ model: "west/shared" }, { ...all, keyConstraints }).exclusions).toMatchObject([
      { constraint: "key.deny_providers" },
    ]);
  });
  test("require_parameters of a key reaches the dialects", () => {
    const keyConstraints = create(ConstraintsSchema, { requireParameters: true });
    const unsupported: PlanPorts["unsupported"] = (asked) =>
      asked.routing?.constraints?.requireParameters === true
        ? [{ field: "sampling.seed", reason: "it would be left out", capability: false }]
        : [];
    expect(names({ model: "fast" }, { ...all, unsupported })).toHaveLength(2);
    expect(failure({ model: "fast" }, { ...all, unsupported, keyConstraints }).field).toBe("sampling.seed");
  });
  test("the tail of first content is a constraint that only measurements satisfy", () => {
    const live = liveOf({
      "west/shared": { statistics: { firstContentMs: flat(900) } },
      "east/shared": { statistics: { usualFirstContentP95Ms: 400 } },
    });
    const routing = (maxFirstContentP95Ms: number) => ({
      model: "fast",
      routing: { constraints: { maxFirstContentP95Ms } },
    });
    expect(names(routing(500), { ...all, live })).toEqual(["east/shared"]);
    expect(names(routing(1_000), { ...all, live })).toEqual(["west/shared", "east/shared"]);
    expect(failure(routing(1_000)).exclusions).toMatchObject([
      { constraint: "routing.constraints.max_first_content_p95_ms", count: 2 },
    ]);
  });
});

describe("plan keeps back what surely does not fit a window", () => {
  const small = providerOf("small", { a: { contextTokens: 1_000 }, b: { contextTokens: 5_000 }, c: {} });
  const route = { name: "windows", targets: ["a", "b", "c"].map((id) => small.target(id)!) };
  const windows = new ModelTable([route], [small]);
  const sized = (least: number): PlanPorts => ({
    ...all,
    inputSize: () => ({ least, likely: least * 4, upperBound: least * 16 }),
  });
  const served = (least: number, maxOutputTokens?: number): string[] => {
    const sampling = maxOutputTokens === undefined ? {} : { maxOutputTokens };
    return plan(request({ model: "windows", sampling }), windows, sized(least)).targets.map((one) => one.model);
  };
  test.each<[number, number | undefined, string[]]>([
    [1_000, undefined, ["a", "b", "c"]],
    [1_001, undefined, ["b", "c"]],
    [900, 101, ["b", "c"]],
    [900, 100, ["a", "b", "c"]],
    [6_000, undefined, ["c"]],
  ])("%d tokens at least and a limit of %s go to %j", (least, limit, expected) => {
    expect(served(least, limit)).toEqual(expected);
  });
  test("where nothing is larger the error is the one that applications know", () => {
    const thrown = () => plan(request({ model: "small/a" }), windows, sized(1_001));
    expect(thrown).toThrow(expect.objectContaining({ message: expect.stringContaining("window") }));
    expect(reasonName(survey(request({ model: "small/a" }), windows, sized(1_001)).error!.reason)).toBe(
      "CONTEXT_TOO_LONG",
    );
  });
});

describe("plan leaves for last what is not available", () => {
  test("an open breaker, and a provider whose credentials all rest", () => {
    const broken = liveOf({ "west/shared": { unavailable: unavailableBy("breaker") } });
    expect(names({ model: "fast" }, { ...all, live: broken })).toEqual(["east/shared", "west/shared"]);
    const credentialIds: PlanPorts["credentialIds"] = ({ provider }) => [`${provider}#1`, `${provider}#2`];
    const cooling = unavailableBy("cooling");
    const one = liveOf({}, { "west#1": cooling });
    const both = liveOf({}, { "west#1": cooling, "west#2": unavailableBy("cooling", { retryInMs: 7 }) });
    expect(names({ model: "fast" }, { ...all, live: one, credentialIds })).toEqual(["west/shared", "east/shared"]);
    const { candidates } = plan(request({ model: "fast" }), table, { ...all, live: both, credentialIds });
    expect(candidates).toMatchObject([{ rank: 2, unavailable: { rule: "cooling", retryInMs: 7 } }, { rank: 1 }]);
  });
  test("nothing is left out: the last target serves, and what holds only beside others does not hold for it", () => {
    const live = liveOf({
      "west/shared": { unavailable: unavailableBy("breaker", { onlyBesideOthers: true }) },
      "east/shared": { unavailable: unavailableBy("quarantine") },
    });
    for (const model of ["west/shared", "east/shared"]) expect(names({ model }, { ...all, live })).toEqual([model]);
    expect(plan(request({ model: "west/shared" }), table, { ...all, live }).candidates[0]?.unavailable).toBeUndefined();
    expect(plan(request({ model: "east/shared" }), table, { ...all, live }).candidates[0]?.unavailable?.rule).toBe(
      "quarantine",
    );
  });
});

describe("plan takes decisions from the request, else the route, else the defaults", () => {
  test("delivery, refusals, priority and strategy", () => {
    const settings = settingsOf({
      strategy: "weighted",
      delivery: Delivery.AUTO,
      onRefusal: OnRefusal.NEXT_TARGET,
      priority: Priority.BATCH,
    });
    const routes = new ModelTable([{ ...fast, settings }], [east, west], {
      defaults: settingsOf({ delivery: Delivery.HOLD }),
    });
    const chosen = (init: MessageInitShape<typeof ChatRequestSchema>) => plan(request(init), routes, all);
    const ofRoute = {
      delivery: Delivery.AUTO,
      onRefusal: "next_target",
      priority: Priority.BATCH,
      strategy: "weighted",
    };
    expect(chosen({ model: "fast" })).toMatchObject({ ...ofRoute, resolutionRule: "route" });
    const asked = { delivery: Delivery.COMMIT, onRefusal: OnRefusal.ANSWER };
    const routing = { priority: Priority.INTERACTIVE, rankBy: RankBy.LATENCY };
    expect(chosen({ model: "fast", ...asked, routing })).toMatchObject({
      delivery: Delivery.COMMIT,
      onRefusal: "answer",
      priority: Priority.INTERACTIVE,
      strategy: "fastest",
    });
    expect(chosen({ model: "east/shared" })).toMatchObject({ delivery: Delivery.HOLD, resolutionRule: "provider" });
  });
  test("a task has targets of its own, in the place of a route's and never of a model's", () => {
    expect(names({ model: "auto", routing: { task: "summarise" } })).toEqual(["east/shared"]);
    expect(names({ model: "fast", routing: { task: "summarise" } })).toEqual(["east/shared"]);
    expect(plan(request({ model: "fast", routing: { task: "summarise" } }), table, all).resolutionRule).toBe("task");
    expect(failure({ model: "west/shared", routing: { task: "summarise" } }).field).toBe("routing.task");
    expect(failure({ model: "auto", routing: { task: "sing" } }).message).toContain("there are summarise");
    const onlyFast = { ...all, allowsModel: (name: string) => name === "fast" };
    expect(reasonName(failure({ model: "fast", routing: { task: "summarise" } }, onlyFast).reason)).toBe(
      "MODEL_NOT_ALLOWED",
    );
    const theTask = { ...all, allowsModel: (name: string) => name === "task:summarise" };
    expect(names({ model: "auto", routing: { task: "summarise" } }, theTask)).toEqual(["east/shared"]);
  });
});

describe("survey tells what plan throws", () => {
  test("every candidate, what excludes it, and the error", () => {
    const { error, candidates, targets } = survey(
      request({ model: "fast", routing: { constraints: { regions: ["us"] } } }),
      table,
      all,
    );
    expect(reasonName(error!.reason)).toBe("NO_ELIGIBLE_TARGET");
    expect(targets).toEqual([]);
    expect(candidates.map((one) => one.exclusion?.rule)).toEqual(Array(2).fill("routing.constraints.regions"));
  });
  test("what a candidate costs at most, where prices and an output limit are known", () => {
    const ports: PlanPorts = { ...all, inputSize: () => ({ least: 100, likely: 400, upperBound: 2_000_000 }) };
    const asked = request({ model: "fast", sampling: { maxOutputTokens: 1_000_000, candidates: 2 } });
    expect(survey(asked, table, ports).candidates.map((one) => one.worstCostNanoUsd)).toEqual([30n, 60n]);
    expect(survey(request({ model: "fast" }), table, ports).candidates[0]?.worstCostNanoUsd).toBeUndefined();
  });
});

describe("plan keeps conversations together and canaries apart", () => {
  const settings = settingsOf({
    affinityMs: 300_000,
    targets: [
      { weight: 1, quality: undefined, canaryPercent: undefined },
      { weight: 1, quality: undefined, canaryPercent: 20 },
    ],
  });
  test("a conversation goes where its cache is, unless the request ranks by itself", () => {
    const recalled: string[] = [];
    const affinity = { recall: ({ digest }: { digest: string }) => (recalled.push(digest), "east/shared") };
    const single = new ModelTable([{ ...fast, settings: { ...settings, targets: [] } }], [east, west]);
    const asked = { model: "fast", caching: { key: "k" } };
    const chosen = (init: MessageInitShape<typeof ChatRequestSchema>) =>
      plan(request(init), single, { ...all, affinity });
    expect(chosen(asked).targets[0]?.name).toBe("east/shared");
    expect(chosen(asked).conversation?.digest).toBe(recalled[0]);
    expect(chosen({ ...asked, routing: { rankBy: RankBy.PRICE } }).targets[0]?.name).toBe("west/shared");
    expect(chosen({ model: "fast" }).conversation).toBeUndefined();
  });
  test("a canary gets its share of request ids, and the same id always the same", () => {
    const canary = new ModelTable([{ ...fast, settings }], [east, west]);
    const first = (requestId: string) =>
      plan(request({ model: "fast" }), canary, { ...all, requestId }).targets[0]!.name;
    const ids = Array.from({ length: 5_000 }, (_, index) => `req_3f9c0a1b${index.toString(16).padStart(8, "0")}`);
    const share = ids.filter((id) => first(id) === "east/shared").length / ids.length;
    expect(share).toBeGreaterThan(0.18);
    expect(share).toBeLessThan(0.22);
    expect(first(ids[7]!)).toBe(first(ids[7]!));
  });
});
