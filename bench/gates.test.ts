import { describe, expect, test } from "vitest";
import { addedFirstToken, gatesOf, isMet } from "./gates.ts";
import type { Slice } from "./measure.ts";
import { Results } from "./results.ts";
import type { ScenarioName } from "./scenarios.ts";

function slice(cpuMicroseconds: number, firstTokenP50Ms?: number): Slice {
  return { perSecond: 1, cpuMicroseconds, coreShare: 1, latencyP50Ms: undefined, firstTokenP50Ms };
}

function unaryResults(pairs: readonly (readonly [reference: number, parley: number])[]): Results {
  const results = new Results();
  for (const [round, [reference, parley]] of pairs.entries()) {
    results.add(round, "unary", "reference", slice(reference));
    results.add(round, "unary", "parley", slice(parley));
  }
  return results;
}

const only = (...names: ScenarioName[]): Set<ScenarioName> => new Set(names);

describe("gatesOf", () => {
  test("compares within each round, so that a slow minute hits both sides", () => {
    const [gate] = gatesOf(
      unaryResults([
        [40, 50],
        [80, 100],
        [40, 80],
      ]),
      only("unary"),
    );
    expect(gate?.measured).toEqual({ median: 0.8, min: 0.5, max: 0.8 });
  });

  test("leaves out the targets of scenarios that were not asked for", () => {
    expect(gatesOf(unaryResults([[40, 50]]), only("unary"))).toHaveLength(1);
    expect(gatesOf(unaryResults([[40, 50]]), only("connect-json"))).toEqual([]);
  });

  test("does not pair slices of different rounds", () => {
    const results = new Results();
    results.add(0, "unary", "reference", slice(40));
    results.add(1, "unary", "parley", slice(50));
    const [gate] = gatesOf(results, only("unary"));
    expect(gate).toMatchObject({ measured: undefined });
    expect(gate && isMet(gate)).toBe(false);
  });
});

describe("isMet", () => {
  const measured = { median: 0.65, min: 0.1, max: 2 };
  test.each([
    [{ atLeast: 0.65 }, true],
    [{ atLeast: 0.66 }, false],
    [{ atMost: 0.65 }, true],
    [{ atMost: 0.64 }, false],
  ])("judges the median against %o", (bound, met) => {
    expect(isMet({ title: "t", unit: "x", measured, ...bound })).toBe(met);
  });
});

describe("addedFirstToken", () => {
  test("is the time through the target minus the time of the mock alone", () => {
    const results = new Results();
    results.add(0, "paced", "direct", slice(1, 0.25));
    results.add(0, "paced", "parley", slice(1, 0.75));
    expect(addedFirstToken(results, "parley")?.median).toBe(0.5);
  });
});
