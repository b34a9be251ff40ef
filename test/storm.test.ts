import { describe, expect, test } from "vitest";
import { everythingDead, independentFaults, oneBadTarget, sameMoment } from "./support/in-process/storms.ts";
import { mostBeyondPromise } from "./support/in-process/storm.ts";

// Many requests while providers fail: callers notice next to nothing, and no provider is hammered. PARLEY_STORM_SEED
// chooses other storms; the slow suite's are longer.
const SEED = Number(process.env["PARLEY_STORM_SEED"] ?? 1);

test.each([5, 20, 50, 100])("one of two targets fails %i % of its calls", async (percent) => {
  await oneBadTarget(percent, 1_500, SEED);
});

test("both targets fail now and then, each on its own", async () => {
  await independentFaults(5, 1_500, SEED);
});

test("both targets are down and heal", async () => {
  await everythingDead(15, SEED);
});

test("what fails at the same moment is not sent again at the same moment", async () => {
  await sameMoment(500, SEED);
});

describe("the measure of extra attempts", () => {
  const requests = Array.from({ length: 100 }, (_, index) => ({ atMs: index * 100, end: "completed" }));
  const report = { requests, calls: {}, defects: [] };

  test("finds ten seconds with too many", () => {
    const within = Array.from({ length: 25 }, (_, index) => 9_900 + index);
    expect(mostBeyondPromise({ ...report, extraAtMs: within })).toBeLessThanOrEqual(0);
    expect(mostBeyondPromise({ ...report, extraAtMs: [...within, 9_950] })).toBeGreaterThan(0);
  });
});
