import { describe, expect, test } from "vitest";
import { create } from "@bufbuild/protobuf";
import { ChatRequestSchema, Delivery, ErrorReason } from "../contract/index.ts";
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

interface Told extends Partial<Omit<Situation, "state">> {
  readonly delivered?: boolean;
  readonly retryDelayMs?: number;
}

function situation(reason: ReasonName, { delivered = false, retryDelayMs, ...more }: Told = {}): Situation {
  const tried = more.tried ?? [small];
  return {
    plan: { targets: [small, same, large], maxAttempts: 3 },
    request: create(ChatRequestSchema),
    tried,
    state: {
      target: tried.at(-1)!,
      error: new ParleyError(reason, "Cannot", retryDelayMs === undefined ? {} : { retryDelayMs }),
      servedModel: undefined,
      delivered,
      text: "Hello",
      deliveredBytes: 5,
      sawToolCall: false,
      sawReasoning: false,
      candidates: 1,
    },
    policy: { delivery: Delivery.COMMIT, onRefusal: "answer" },
    sentState: false,
    over: false,
    remainingMs: 60_000,
    retryAfterMaxMs: 30_000,
    isAvailable: () => true,
    hasOtherCredential: false,
    random: () => 0.5,
    takeExtraAttempt: () => true,
    ...more,
  };
}

describe("a target that was not called, since a limit is used up", () => {
  test("gives its place to the next that may be called, at no extra attempt", () => {
    const takeExtraAttempt = (): boolean => {
      throw new Error("nothing was sent: no extra attempt may be taken");
    };
    const decision = decide(situation("RATE_LIMITED", { uncalled: 1, takeExtraAttempt }));
    expect(decision).toMatchObject({ target: same, how: { kind: "replace" } });
  });

  test("does not count as an attempt", () => {
    const plan = { targets: [small, same, large], maxAttempts: 1 };
    expect(decide(situation("RATE_LIMITED", { plan, uncalled: 1 }))).toMatchObject({ target: same });
    expect(decide(situation("RATE_LIMITED", { plan, tried: [small, same], uncalled: 1 }))).toBeInstanceOf(ParleyError);
  });

  test("is not followed by others that may not be called either", () => {
    const decision = decide(situation("RATE_LIMITED", { uncalled: 1, isAvailable: () => false }));
    expect(decision).toMatchObject({ reason: ErrorReason.RATE_LIMITED });
  });
});

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
    expect(decision instanceof ParleyError ? undefined : decision.target.name).toBe(expected);
  });

  test("a target that refuses the state of earlier turns gets one more try without it, and no other target does", () => {
    const refused = situation("STATE_INVALID", { sentState: true });
    expect(decide(refused)).toMatchObject({ target: small, withoutState: true, afterMs: 0 });
    // The second try carries none.
    expect(decide({ ...refused, tried: [small, small], sentState: false })).toBe(refused.state.error);
    expect(decide({ ...refused, state: { ...refused.state, delivered: true } })).toBe(refused.state.error);
    expect(decide({ ...refused, over: true })).toBe(refused.state.error);
    expect(decide({ ...refused, plan: { ...refused.plan, maxAttempts: 1 } })).toBe(refused.state.error);
    expect(decide({ ...refused, takeExtraAttempt: () => false })).toMatchObject({
      reason: ErrorReason.ATTEMPTS_EXHAUSTED,
    });
    // It failed for another reason then: the others may still serve.
    expect(decide(situation("PROVIDER_ERROR", { tried: [small, small] }))).toMatchObject({ target: same });
  });

  test("never tries another target once content was delivered, whatever happened", () => {
    expect(decide(situation("PROVIDER_ERROR", { delivered: true }))).toBeInstanceOf(ParleyError);
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

  test("a request that was too long goes to a larger window even after another target has failed otherwise", () => {
    const { state: overflow } = situation("CONTEXT_TOO_LONG");
    const told = { plan: { targets: [small, large, same], maxAttempts: 5 }, tried: [small, large] };
    expect(decide(situation("PROVIDER_OVERLOADED", told))).toMatchObject({ target: same });
    const afterwards = situation("PROVIDER_OVERLOADED", { ...told, overflowed: [overflow] });
    expect(decide(afterwards)).toBe(afterwards.state.error);
  });

  test("says so when the budget of extra attempts is used up, and takes from it only when there is a next target", () => {
    const decision = decide(situation("PROVIDER_ERROR", { takeExtraAttempt: () => false }));
    expect(decision).toMatchObject({ row: { httpStatus: 503 }, retryDelayMs: 10_000 });
    let taken = 0;
    decide(situation("PROVIDER_ERROR", { tried: [small, same, large], takeExtraAttempt: () => ++taken > 0 }));
    expect(taken).toBe(0);
  });

  describe("a sole target", () => {
    const sole = (reason: ReasonName, told: Told = {}): ReturnType<typeof decide> =>
      decide(situation(reason, { plan: { targets: [small], maxAttempts: 3 }, ...told }));

    test.each<[ReasonName, boolean]>([
      ["PROVIDER_OVERLOADED", true],
      ["PROVIDER_ERROR", true],
      ["PROVIDER_UNREACHABLE", true],
      ["PROVIDER_BAD_OUTPUT", true],
      ["STREAM_INTERRUPTED", true],
      ["PROVIDER_RATE_LIMITED", true],
      ["PROVIDER_TIMEOUT", false],
      ["PROVIDER_CREDENTIAL", false],
      ["PROVIDER_CONTENT_BLOCKED", false],
      ["CONTEXT_TOO_LONG", false],
      ["MODEL_NOT_FOUND", false],
      ["INVALID_REQUEST", false],
      ["CANCELLED", false],
    ])("after %s is asked once more: %s", (reason, again) => {
      const decision = sole(reason);
      expect(decision instanceof ParleyError ? undefined : decision.how).toEqual(
        again ? { kind: "replace" } : undefined,
      );
    });

    test("waits a random time that grows, at most two seconds", () => {
      const waits = [1, 2, 3, 4, 5].map((tries) =>
        sole("PROVIDER_ERROR", {
          tried: new Array<Target>(tries).fill(small),
          plan: { targets: [small], maxAttempts: 9 },
          random: () => 0.999_999,
        }),
      );
      const longest = waits.map((one) => (one instanceof ParleyError ? NaN : Math.round(one.afterMs)));
      expect(longest).toEqual([200, 400, 800, 1600, 2000]);
      expect(sole("PROVIDER_ERROR", { random: () => 0 })).toMatchObject({ afterMs: 100 });
    });

    test("waits as long as it asks for where the deadline allows it, and else not at all", () => {
      expect(sole("PROVIDER_RATE_LIMITED", { retryDelayMs: 7_000 })).toMatchObject({ afterMs: 7_000 });
      const told = { retryDelayMs: 7_000, remainingMs: 6_000 };
      expect(sole("PROVIDER_RATE_LIMITED", told)).toBeInstanceOf(ParleyError);
    });

    test("is not waited for longer than configured, and the caller hears how long it asks for", () => {
      const long = { remainingMs: 900_000, retryAfterMaxMs: 30_000 };
      expect(sole("PROVIDER_RATE_LIMITED", { ...long, retryDelayMs: 30_000 })).toMatchObject({ afterMs: 30_000 });
      const told = sole("PROVIDER_RATE_LIMITED", { ...long, retryDelayMs: 30_001 });
      expect(told).toBeInstanceOf(ParleyError);
      expect(told).toMatchObject({ retryDelayMs: 30_001 });
      // A wait of its own choice is no wish of the target's.
      const own = sole("PROVIDER_ERROR", { retryAfterMaxMs: 0, random: () => 0.999_999 });
      expect(own).toHaveProperty("afterMs");
      expect(sole("PROVIDER_ERROR", { retryAfterMaxMs: 0, retryDelayMs: 1 })).toBeInstanceOf(ParleyError);
    });

    test("is not asked again once content was delivered", () => {
      expect(sole("PROVIDER_ERROR", { delivered: true })).toBeInstanceOf(ParleyError);
    });
  });

  test("one of several targets is never asked twice, and one that is known to be down comes last", () => {
    expect(decide(situation("PROVIDER_ERROR", { isAvailable: (one) => one === large }))).toMatchObject({
      target: large,
      afterMs: 0,
    });
    expect(decide(situation("PROVIDER_ERROR", { isAvailable: () => false }))).toMatchObject({ target: same });
    expect(
      decide(situation("PROVIDER_ERROR", { plan: { targets: [small, same], maxAttempts: 5 }, tried: [small, same] })),
    ).toBeInstanceOf(ParleyError);
  });

  test.each<[ReasonName, boolean]>([
    ["PROVIDER_RATE_LIMITED", true],
    ["PROVIDER_CREDENTIAL", true],
    ["PROVIDER_BILLING", true],
    ["PROVIDER_QUOTA", true],
    ["PROVIDER_OVERLOADED", false],
  ])("after %s another credential of the pool goes first: %s", (reason, sameTarget) => {
    const decision = decide(situation(reason, { hasOtherCredential: true }));
    expect(decision).toMatchObject({ target: sameTarget ? small : same, afterMs: 0 });
  });
});
