import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AttemptOutcome } from "./live.ts";
import { CallWindow } from "./statistics.ts";

const answered = (firstContentMs: number, more: Partial<AttemptOutcome> = {}): AttemptOutcome => ({
  error: undefined,
  firstContentMs,
  durationMs: firstContentMs,
  outputTokens: undefined,
  headroom: undefined,
  ...more,
});

function exact(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)]!;
}

describe("CallWindow", () => {
  test("its percentiles are within a tenth of the exact ones, whatever came", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1, max: 900_000, noNaN: true }), { minLength: 5, maxLength: 300 }),
        (values) => {
          const window = new CallWindow(0);
          for (const value of values) window.add(0, answered(value), undefined);
          const { firstContentMs } = window.statistics(0, 0);
          for (const [name, share] of [
            ["p50", 0.5],
            ["p95", 0.95],
            ["p99", 0.99],
          ] as const) {
            const ratio = firstContentMs![name] / exact(values, share);
            expect(ratio).toBeGreaterThan(0.9);
            expect(ratio).toBeLessThan(1.1);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("four calls are too few to tell, and a minute later nothing is left", () => {
    const window = new CallWindow(0);
    for (let i = 0; i < 4; i++) window.add(0, answered(100), undefined);
    expect(window.statistics(0, 0).firstContentMs).toBeUndefined();
    window.add(0, answered(100), undefined);
    window.add(0, answered(100), "provider_error");
    expect(window.statistics(0, 3)).toMatchObject({
      attempts: 6,
      failures: 1,
      failuresByReason: { provider_error: 1 },
      running: 3,
    });
    expect(window.statistics(59_999, 0).attempts).toBe(6);
    expect(window.statistics(60_000, 0)).toMatchObject({ attempts: 0, failures: 0, failuresByReason: {} });
    expect(window.statistics(60_000, 0).firstContentMs).toBeUndefined();
    expect(window.statistics(60_000, 0).usualFirstContentP95Ms! / 100).toBeCloseTo(1, 0);
  });

  test("what it forgets is what came first, at any pace", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(25_000), { maxLength: 80 }), (waits) => {
        const window = new CallWindow(0);
        const times: number[] = [];
        let now = 0;
        for (const wait of waits) {
          now += wait;
          window.add(now, answered(50), undefined);
          times.push(now);
        }
        const oldest = (Math.floor(now / 10_000) - 5) * 10_000;
        expect(window.statistics(now, 0).attempts).toBe(times.filter((at) => at >= oldest).length);
      }),
      { numRuns: 50 },
    );
  });

  test("speed is that of the tokens after the first content, of whole answers only", () => {
    const window = new CallWindow(0);
    for (let i = 0; i < 5; i++) {
      window.add(0, answered(500, { durationMs: 1_500, outputTokens: 101 }), undefined);
      window.add(0, answered(500, { durationMs: 501, outputTokens: 1_000 }), "stream_interrupted");
      window.add(0, answered(500, { durationMs: 500, outputTokens: 7 }), undefined);
    }
    expect(window.statistics(0, 0).outputTokensPerSecond?.p50).toBeCloseTo(100, -1);
    expect(window.statistics(0, 0).outputTokensPerSecond?.p99).toBeLessThan(110);
  });

  test("head-room counts down to its refill and is then not known", () => {
    const window = new CallWindow(0);
    const headroom = { remainingRequests: 3, remainingTokens: undefined, resetInMs: 2_000 };
    window.add(0, answered(1, { headroom }), undefined);
    expect(window.statistics(500, 0).headroom).toEqual({ ...headroom, resetInMs: 1_500 });
    expect(window.statistics(2_000, 0).headroom).toBeUndefined();
  });

  test("gives the same object as long as nothing has changed", () => {
    const window = new CallWindow(0);
    window.add(0, answered(5), undefined);
    expect(window.statistics(1, 1)).toBe(window.statistics(2, 1));
    expect(window.statistics(2, 2)).toMatchObject({ attempts: 1, running: 2 });
  });
});
