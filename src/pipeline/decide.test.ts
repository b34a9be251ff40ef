import { describe, expect, test } from "vitest";
import { ErrorReason } from "../contract/index.ts";
import { ParleyError, type ReasonName } from "../errors/index.ts";
import type { Target } from "../routing/target.ts";
import { decide, type Situation } from "./decide.ts";

function target(name: string, contextTokens?: number): Target {
  return {
    name,
    provider: "p",
    model: name,
    region: undefined,
    facts: { capabilities: {}, quirks: [], ...(contextTokens === undefined ? {} : { contextTokens }) },
  };
}

const [small, same, large, unknown] = [
  target("small", 8_000),
  target("same", 8_000),
  target("large", 128_000),
  target("unknown"),
];

function situation(reason: ReasonName, more: Partial<Situation> = {}): Situation {
  return {
    plan: { targets: [small, same, large], maxAttempts: 3 },
    tried: [small],
    error: new ParleyError(reason, "Cannot"),
    sentState: false,
    committed: false,
    over: false,
    takeExtraAttempt: () => true,
    ...more,
  };
}

describe("decide", () => {
  test.each<[ReasonName, string | undefined]>([
    ["PROVIDER_OVERLOADED", "same"],
    ["PROVIDER_UNREACHABLE", "same"],
    ["PROVIDER_RATE_LIMITED", "same"],
    ["PROVIDER_CREDENTIAL", "same"],
    ["PROVIDER_BAD_OUTPUT", "same"],
    ["STREAM_INTERRUPTED", "same"],
    ["MODEL_NOT_FOUND", "same"],
    ["CONTEXT_TOO_LONG", "large"],
    ["PROVIDER_CONTENT_BLOCKED", undefined],
    ["INVALID_REQUEST", undefined],
    ["CANCELLED", undefined],
    ["DEADLINE_EXCEEDED", undefined],
    ["GATEWAY_INTERNAL", undefined],
  ])("after %s goes to %s", (reason, expected) => {
    const decision = decide(situation(reason));
    expect(decision instanceof ParleyError ? undefined : decision.name).toBe(expected);
  });

  test("a target that refuses the state of earlier turns gets one more try without it, and no other target does", () => {
    const refused = situation("STATE_INVALID", { sentState: true });
    expect(decide(refused)).toBe(small);
    // The second try carries none.
    expect(decide({ ...refused, tried: [small, small], sentState: false })).toBe(refused.error);
    expect(decide({ ...refused, committed: true })).toBe(refused.error);
    expect(decide({ ...refused, over: true })).toBe(refused.error);
    expect(decide({ ...refused, plan: { ...refused.plan, maxAttempts: 1 } })).toBe(refused.error);
    expect(decide({ ...refused, takeExtraAttempt: () => false })).toMatchObject({
      reason: ErrorReason.ATTEMPTS_EXHAUSTED,
    });
    // It failed for another reason then: the others may still serve.
    expect(decide(situation("PROVIDER_ERROR", { tried: [small, small] }))).toBe(same);
  });

  test("never tries another target once content was delivered, whatever happened", () => {
    expect(decide(situation("PROVIDER_ERROR", { committed: true }))).toBeInstanceOf(ParleyError);
  });

  test("tries nothing after the deadline or after the caller left", () => {
    expect(decide(situation("PROVIDER_ERROR", { over: true }))).toBeInstanceOf(ParleyError);
  });

  test("stops at the most attempts, and when every target was tried", () => {
    expect(decide(situation("PROVIDER_ERROR", { tried: [small, same, large] }))).toBeInstanceOf(ParleyError);
    expect(
      decide(situation("PROVIDER_ERROR", { plan: { targets: [small, same, large], maxAttempts: 1 } })),
    ).toBeInstanceOf(ParleyError);
  });

  test("a window that is not known to be larger is no place for a request that overflowed", () => {
    const decision = decide(situation("CONTEXT_TOO_LONG", { plan: { targets: [small, unknown], maxAttempts: 3 } }));
    expect(decision).toBeInstanceOf(ParleyError);
  });

  test("says so when the budget of extra attempts is used up, and takes from it only when there is a next target", () => {
    const decision = decide(situation("PROVIDER_ERROR", { takeExtraAttempt: () => false }));
    expect(decision).toMatchObject({ row: { httpStatus: 503 }, retryDelayMs: 10_000 });
    let taken = 0;
    decide(situation("PROVIDER_ERROR", { tried: [small, same, large], takeExtraAttempt: () => ++taken > 0 }));
    expect(taken).toBe(0);
  });
});
