import fc from "fast-check";
import { expect, test } from "vitest";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { ExtraAttempts } from "./extra-attempts.ts";

test("ExtraAttempts allows 15 % of the requests and 10 more", () => {
  const budget = new ExtraAttempts(new VirtualRuntime());
  for (let i = 0; i < 200; i++) budget.countRequest();
  let taken = 0;
  while (budget.take()) taken += 1;
  expect(taken).toBe(40);
});

test("ExtraAttempts gives room again when the window has passed", async () => {
  const runtime = new VirtualRuntime();
  const budget = new ExtraAttempts(runtime);
  while (budget.take());
  await runtime.advance(10_000);
  expect(budget.take()).toBe(false);
  await runtime.advance(1_000);
  expect(budget.take()).toBe(true);
});

test("ExtraAttempts keeps its promise in every window of ten seconds, whatever the arrivals", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(2_500), fc.nat(20)), { maxLength: 40 }), async (steps) => {
      const runtime = new VirtualRuntime();
      const budget = new ExtraAttempts(runtime);
      const requests: number[] = [];
      const extras: number[] = [];
      for (const [waitMs, count] of steps) {
        await runtime.advance(waitMs);
        for (let i = 0; i < count; i++) {
          budget.countRequest();
          requests.push(runtime.monotonicMs());
          if (budget.take()) extras.push(runtime.monotonicMs());
        }
      }
      for (const end of extras) {
        const within = (at: number): boolean => at > end - 10_000 && at <= end;
        const allowed = 10 + 0.15 * requests.filter(within).length;
        expect(extras.filter(within).length).toBeLessThanOrEqual(allowed);
      }
    }),
    { numRuns: 60 },
  );
});
