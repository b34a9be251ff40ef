import { test } from "vitest";
import { everythingDead, independentFaults, oneBadTarget, sameMoment } from "./support/in-process/storms.ts";

// As test/storm.test.ts, long enough for 99.99 % to mean something: no failure among 30,000 says so at 95 % confidence.
const SEED = Number(process.env["PARLEY_STORM_SEED"] ?? 1);
const MANY = 40_000;

test.each([5, 20, 50, 100])("one of two targets fails %i % of its calls", async (percent) => {
  await oneBadTarget(percent, MANY, SEED);
});

test.each([2, 5, 10])("both targets fail %i % of their calls, each on its own", async (percent) => {
  await independentFaults(percent, MANY, SEED);
});

test.each([1, 2, 3])("both targets are down and heal, storm %i", async (round) => {
  await everythingDead(100, SEED + round);
});

test("what fails at the same moment is not sent again at the same moment", async () => {
  await sameMoment(10_000, SEED);
});
