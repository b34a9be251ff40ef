import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VirtualRuntime } from "../runtime/virtual.ts";
import type { Unavailable } from "./live.ts";
import { EXPLORED_SHARE, rank, suffers, type Contender, type Ranking } from "./rank.ts";
import { flat, statisticsOf, targetOf, unavailableBy } from "./routing.fixture.ts";

function contender(name: string, more: Partial<Contender> = {}): Contender {
  return {
    target: targetOf(`p${name}/${name}`),
    settings: { weight: 1, quality: undefined, canaryPercent: undefined },
    tier: 0,
    unavailable: undefined,
    share: 1,
    costNanoUsd: undefined,
    statistics: statisticsOf(),
    ...more,
  };
}

const ranking = (more: Partial<Ranking> = {}): Ranking => ({
  strategy: "ordered",
  weights: { cost: 1, latency: 1, quality: 1 },
  batch: false,
  acrossTiers: false,
  providerOrder: [],
  pinned: undefined,
  canaryDraw: 50,
  random: () => 0.5,
  ...more,
});

const order = (contenders: readonly Contender[], how: Partial<Ranking> = {}): string =>
  rank(contenders, ranking(how))
    .indexes.map((index) => contenders[index]!.target.model)
    .join(" ");

const answersIn = (p95: number, usual?: number): Pick<Contender, "statistics"> => ({
  statistics: statisticsOf({ firstContentMs: { p50: 1, p95, p99: p95 }, usualFirstContentP95Ms: usual }),
});
const settings = (more: Partial<Contender["settings"]>): Pick<Contender, "settings"> => ({
  settings: { weight: 1, quality: undefined, canaryPercent: undefined, ...more },
});

describe("rank", () => {
  const a = contender("a", { costNanoUsd: 30, ...answersIn(200), ...settings({ quality: 0.9 }) });
  const b = contender("b", { costNanoUsd: 10, ...answersIn(900), ...settings({ quality: 0.2 }) });
  const c = contender("c");
  test.each<[string, Partial<Ranking>, string]>([
    ["the configured order", {}, "a b c"],
    ["the cheapest, unknown prices last", { strategy: "cheapest" }, "b a c"],
    ["the shortest tail, unknown ones last", { strategy: "fastest" }, "a b c"],
    [
      "what costs least, where only cost counts",
      { strategy: "balanced", weights: { cost: 1, latency: 0, quality: 0 } },
      "b a c",
    ],
    [
      "what answers soonest, where only latency counts",
      { strategy: "balanced", weights: { cost: 0, latency: 1, quality: 0 } },
      "a b c",
    ],
    [
      "the best, where only quality counts",
      { strategy: "balanced", weights: { cost: 0, latency: 0, quality: 1 } },
      "a c b",
    ],
    [
      "what is good enough and cheaper",
      { strategy: "balanced", weights: { cost: 3, latency: 1, quality: 1 } },
      "b a c",
    ],
    ["the providers that the request names", { providerOrder: ["pc", "pb"] }, "c b a"],
    ["the holder of the prompt cache", { pinned: "pb/b" }, "b a c"],
    ["unknown targets now and then", { strategy: "fastest", random: () => 0 }, "c a b"],
  ])("%s", (_, how, expected) => expect(order([a, b, c], how)).toBe(expected));

  test("the tail decides, not the mean", () => {
    const spiky = contender("spiky", {
      statistics: statisticsOf({ firstContentMs: { p50: 10, p95: 5_000, p99: 6_000 } }),
    });
    const steady = contender("steady", { statistics: statisticsOf({ firstContentMs: flat(300) }) });
    expect(order([spiky, steady], { strategy: "fastest" })).toBe("steady spiky");
  });
  test("throughput is the most tokens per second", () => {
    const slow = contender("slow", { statistics: statisticsOf({ outputTokensPerSecond: flat(20) }) });
    const quick = contender("quick", { statistics: statisticsOf({ outputTokensPerSecond: flat(80) }) });
    expect(order([c, slow, quick], { strategy: "throughput" })).toBe("quick slow c");
  });
  test("what is unavailable goes last, the mildest first, behind the fallbacks too", () => {
    const resting = (["quarantine", "breaker", "outlier", "cooling"] as const).map((rule) =>
      contender(rule, { unavailable: unavailableBy(rule) }),
    );
    const fallback = contender("fallback", { tier: 1 });
    expect(order([...resting, fallback, a])).toBe("a fallback outlier breaker cooling quarantine");
  });
  test("fallbacks come after the model's own targets, unless the request ranks them all", () => {
    const fallback = contender("fallback", { tier: 1, costNanoUsd: 1 });
    expect(order([a, b, fallback], { strategy: "cheapest" })).toBe("b a fallback");
    expect(order([a, b, fallback], { strategy: "cheapest", acrossTiers: true })).toBe("fallback b a");
  });
  test("a target on trial gets its percentage and is else the last of those that work", () => {
    const trial = contender("trial", settings({ canaryPercent: 10 }));
    const second = contender("second", settings({ canaryPercent: 5 }));
    const all = [trial, a, second, contender("down", { unavailable: unavailableBy("breaker") })];
    expect(order(all, { canaryDraw: 9.9 })).toBe("trial a second down");
    expect(order(all, { canaryDraw: 10 })).toBe("second a trial down");
    expect(order(all, { canaryDraw: 15 })).toBe("a trial second down");
  });
  test("a target that has just recovered is left out of its turn as often as its share says", () => {
    const back = contender("back", { share: 0.25 });
    expect(order([back, a], { random: () => 0.24 })).toBe("back a");
    expect(order([back, a], { random: () => 0.25 })).toBe("a back");
  });
  test("batch keeps its strategy while all is well, and makes room where interactive callers wait", () => {
    const fine = contender("fine", { costNanoUsd: 50, ...answersIn(300, 300) });
    const busy = contender("busy", { costNanoUsd: 1, ...answersIn(1_000, 300) });
    const idle = contender("idle", { costNanoUsd: 20, statistics: statisticsOf({ running: 1 }) });
    const idler = contender("idler", { costNanoUsd: 20 });
    expect(order([fine, idle], { batch: true })).toBe("fine idle");
    expect(order([busy, fine, idle, idler], { batch: true })).toBe("idler idle fine busy");
    expect(order([busy, fine, idle, idler])).toBe("busy fine idle idler");
  });
  test("a target suffers where its tail is half as long again as usual, or nothing is left of its limit", () => {
    expect(suffers(answersIn(1_000, 900).statistics)).toBe(false);
    expect(suffers(answersIn(100, 10).statistics)).toBe(false);
    expect(suffers(answersIn(1_000, 500).statistics)).toBe(true);
    const headroom = { remainingRequests: 0, remainingTokens: undefined, resetInMs: 1 };
    expect(suffers(statisticsOf({ headroom }))).toBe(true);
  });
  test("an unknown target is explored by few calls at once", () => {
    const busy = contender("busy", { statistics: statisticsOf({ running: 2 }) });
    expect(order([a, busy], { strategy: "fastest", random: () => 0 })).toBe("a busy");
  });
});

const SEED = 20_261_120;

describe(`rank over many requests, seed ${SEED}`, () => {
  const rounds = 20_000;
  const firsts = (contenders: readonly Contender[], how: Partial<Ranking>): number[] => {
    const runtime = new VirtualRuntime({ seed: SEED });
    const counts = contenders.map(() => 0);
    for (let i = 0; i < rounds; i++) {
      counts[rank(contenders, ranking({ ...how, random: () => runtime.random() })).indexes[0]!]! += 1;
    }
    return counts.map((count) => count / rounds);
  };
  test("weighted targets come first in proportion to their weights", () => {
    const shares = firsts(
      [5, 3, 2, 0].map((weight) => contender(String(weight), settings({ weight }))),
      {
        strategy: "weighted",
      },
    );
    for (const [index, expected] of [0.5, 0.3, 0.2].entries()) expect(shares[index]).toBeCloseTo(expected, 1.7);
    expect(shares[3]).toBe(0);
  });
  test("unknown targets are explored by their small share and no more", () => {
    const shares = firsts([contender("known", answersIn(10)), contender("x"), contender("y")], { strategy: "fastest" });
    expect(shares[1]! + shares[2]!).toBeCloseTo(EXPLORED_SHARE, 2);
    expect(shares[1]).toBeCloseTo(shares[2]!, 2);
  });
});

const anything = fc.array(
  fc.record({
    rule: fc.option(fc.constantFrom<Unavailable["rule"]>("breaker", "outlier", "cooling", "quarantine"), { freq: 2 }),
    share: fc.constantFrom(1, 1, 0.3),
    tier: fc.nat(2),
    cost: fc.option(fc.nat(1_000)),
    p95: fc.option(fc.nat(5_000)),
    usual: fc.option(fc.nat(5_000)),
    running: fc.nat(5),
    weight: fc.nat(10),
    canaryPercent: fc.option(fc.nat(40), { freq: 1 }),
  }),
  { maxLength: 30 },
);
const anyRanking = fc.record({
  strategy: fc.constantFrom<Ranking["strategy"]>(
    "ordered",
    "weighted",
    "cheapest",
    "fastest",
    "balanced",
    "throughput",
  ),
  batch: fc.boolean(),
  acrossTiers: fc.boolean(),
  providerOrder: fc.array(fc.constantFrom("p0", "p1", "p2"), { maxLength: 2 }),
  canaryDraw: fc.double({ min: 0, max: 99.99, noNaN: true }),
  seed: fc.nat(),
});

test("whatever is known: each contender comes once, and none that is unavailable before one that is not", () => {
  fc.assert(
    fc.property(anything, anyRanking, (specs, { seed, ...how }) => {
      const contenders = specs.map((spec, index) =>
        contender(String(index), {
          unavailable: spec.rule === null ? undefined : unavailableBy(spec.rule),
          share: spec.share,
          tier: spec.tier,
          costNanoUsd: spec.cost ?? undefined,
          statistics: statisticsOf({
            running: spec.running,
            firstContentMs: spec.p95 === null ? undefined : flat(spec.p95),
            usualFirstContentP95Ms: spec.usual ?? undefined,
          }),
          ...settings({ weight: spec.weight, canaryPercent: spec.canaryPercent ?? undefined }),
        }),
      );
      const runtime = new VirtualRuntime({ seed });
      const { indexes, scores } = rank(contenders, ranking({ ...how, random: () => runtime.random() }));
      expect(indexes.toSorted((x, y) => x - y)).toEqual(contenders.map((_, index) => index));
      expect(scores).toHaveLength(contenders.length);
      const resting = indexes.map((index) => contenders[index]!.unavailable !== undefined);
      expect(resting.indexOf(true) < 0 || !resting.slice(resting.indexOf(true)).includes(false)).toBe(true);
    }),
    { numRuns: 300 },
  );
});
