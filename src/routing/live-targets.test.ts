import { describe, expect, test } from "vitest";
import { ParleyError, type ReasonName } from "../errors/index.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { BLAME } from "./blame.ts";
import type { AttemptOutcome, LiveTargets } from "./live.ts";
import { createLiveTargets, type HealthExchange, type HealthNews } from "./live-targets.ts";
import { targetOf } from "./routing.fixture.ts";

const one = targetOf("a/one");
const two = targetOf("a/two");
const other = targetOf("b/other");
const KEY = "a#1";

function setUp() {
  const runtime = new VirtualRuntime();
  const news: HealthNews[] = [];
  const live = createLiveTargets(runtime, { onNews: (item) => news.push(item) });
  return { runtime, live, news };
}

const outcome = (reason?: ReasonName, more: Partial<AttemptOutcome> = {}, retryDelayMs?: number): AttemptOutcome => ({
  error: reason && new ParleyError(reason, "Cannot", retryDelayMs === undefined ? {} : { retryDelayMs }),
  firstContentMs: reason ? undefined : 100,
  durationMs: 1_100,
  outputTokens: reason ? undefined : 101,
  headroom: undefined,
  ...more,
});

function call(live: LiveTargets, target = one, how = outcome(), credential = KEY): void {
  live.begin(target, credential).end(how);
}

function calls(live: LiveTargets, count: number, target = one, how = outcome()): void {
  for (let i = 0; i < count; i++) call(live, target, how);
}

const failure = outcome("PROVIDER_ERROR");
const retryIn = (live: LiveTargets, target = one) => live.unavailable(target)?.retryInMs;

describe("a target's breaker", () => {
  test("opens on five failures in a row, for a second, then lets one probe through", async () => {
    const { live, runtime } = setUp();
    calls(live, 2, one, failure);
    call(live);
    calls(live, 4, one, failure);
    expect(live.unavailable(one)).toBeUndefined();
    call(live, one, failure);
    expect(live.unavailable(one)).toMatchObject({ rule: "breaker", retryInMs: 1_000 });
    expect(live.unavailable(one)).not.toHaveProperty("onlyBesideOthers");
    expect(live.unavailable(two)).toBeUndefined();
    await runtime.advance(999);
    expect(retryIn(live)).toBe(1);
    await runtime.advance(1);
    expect(live.unavailable(one)).toBeUndefined();
    const probe = live.begin(one, KEY);
    expect(live.unavailable(one)).toMatchObject({ rule: "breaker" });
    probe.end(outcome());
    expect(live.unavailable(one)).toBeUndefined();
  });

  test("doubles to ten seconds as long as the probes fail, and starts anew after ten good seconds", async () => {
    const { live, runtime } = setUp();
    calls(live, 5, one, failure);
    const lengths: (number | undefined)[] = [];
    for (let i = 0; i < 6; i++) {
      lengths.push(retryIn(live));
      await runtime.advance(retryIn(live)!);
      call(live, one, failure);
    }
    expect(lengths).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    await runtime.advance(10_000);
    call(live);
    await runtime.advance(10_001);
    calls(live, 5, one, failure);
    expect(retryIn(live)).toBe(1_000);
  });

  test("a target that works only for a moment rests longer each time", async () => {
    const { live, runtime } = setUp();
    calls(live, 5, one, failure);
    await runtime.advance(1_000);
    call(live);
    calls(live, 5, one, failure);
    expect(retryIn(live)).toBe(2_000);
  });

  test("opens on eight failures of the last fifty, but only beside others, until all fail", () => {
    const { live } = setUp();
    for (let i = 0; i < 7; i++) {
      calls(live, 5);
      call(live, one, failure);
    }
    expect(live.unavailable(one)).toBeUndefined();
    calls(live, 5);
    call(live, one, failure);
    expect(live.unavailable(one)).toMatchObject({ rule: "breaker", onlyBesideOthers: true });
    calls(live, 5, one, failure);
    expect(live.unavailable(one)?.onlyBesideOthers).toBeUndefined();
  });

  test("eight failures far between do not open it", () => {
    const { live } = setUp();
    for (let i = 0; i < 20; i++) {
      calls(live, 7);
      call(live, one, failure);
    }
    expect(live.unavailable(one)).toBeUndefined();
  });

  test("an answer that was begun before it opened proves nothing, one that was begun after it closes it", () => {
    const { live } = setUp();
    const early = live.begin(one, KEY);
    calls(live, 5, one, failure);
    early.end(outcome());
    expect(live.unavailable(one)).toBeDefined();
    call(live);
    expect(live.unavailable(one)).toBeUndefined();
  });

  test("a probe that tells nothing makes room for the next one", async () => {
    const { live, runtime } = setUp();
    calls(live, 5, one, failure);
    await runtime.advance(1_000);
    call(live, one, outcome("CANCELLED"));
    expect(live.unavailable(one)).toBeUndefined();
  });

  test("only the probe decides: another call's failure does not prolong it", async () => {
    const { live, runtime } = setUp();
    calls(live, 5, one, failure);
    await runtime.advance(400);
    call(live, one, failure);
    expect(retryIn(live)).toBe(600);
  });

  test("after recovery the target's share grows from a tenth to all within ten seconds", async () => {
    const { live, runtime } = setUp();
    expect(live.share(one)).toBe(1);
    calls(live, 5, one, failure);
    await runtime.advance(1_000);
    call(live);
    expect(live.share(one)).toBeCloseTo(0.1);
    await runtime.advance(5_000);
    expect(live.share(one)).toBeCloseTo(0.55);
    await runtime.advance(5_000);
    expect(live.share(one)).toBe(1);
  });

  test("a provider that asks to wait is not called for so long, a minute at most", async () => {
    const { live, runtime } = setUp();
    call(live, one, outcome("PROVIDER_OVERLOADED", {}, 20_000));
    expect(live.unavailable(one)).toMatchObject({ rule: "cooling", retryInMs: 20_000 });
    await runtime.advance(20_000);
    expect(live.unavailable(one)).toBeUndefined();
    call(live, one, outcome("PROVIDER_OVERLOADED", {}, 3_600_000));
    expect(retryIn(live)).toBe(60_000);
  });
});

describe("a credential", () => {
  test.each<[ReasonName, number | undefined, string, number]>([
    ["PROVIDER_RATE_LIMITED", 7_000, "cooling", 7_000],
    ["PROVIDER_RATE_LIMITED", undefined, "cooling", 5_000],
    ["PROVIDER_RATE_LIMITED", 86_400_000, "cooling", 600_000],
    ["PROVIDER_CREDENTIAL", undefined, "quarantine", 60_000],
    ["PROVIDER_BILLING", undefined, "quarantine", 60_000],
    ["PROVIDER_QUOTA", 120_000, "quarantine", 120_000],
  ])("rests after %s with a delay of %s: %s for %d ms", async (reason, delayMs, rule, retryInMs) => {
    const { live, runtime } = setUp();
    call(live, one, outcome(reason, {}, delayMs));
    expect(live.credentialUnavailable(KEY)).toMatchObject({ rule, retryInMs });
    expect(live.credentialUnavailable("a#2")).toBeUndefined();
    expect(live.unavailable(one)).toBeUndefined();
    await runtime.advance(retryInMs);
    expect(live.credentialUnavailable(KEY)).toBeUndefined();
  });

  test("is quarantined twice as long each time, to ten minutes, with one probe each", async () => {
    const { live, runtime } = setUp();
    const lengths: number[] = [];
    for (let i = 0; i < 6; i++) {
      call(live, one, outcome("PROVIDER_CREDENTIAL"));
      lengths.push(live.credentialUnavailable(KEY)!.retryInMs);
      await runtime.advance(lengths.at(-1)!);
    }
    expect(lengths).toEqual([60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
    const probe = live.begin(one, KEY);
    expect(live.credentialUnavailable(KEY)).toMatchObject({ rule: "quarantine" });
    probe.end(outcome());
    expect(live.credentialUnavailable(KEY)).toBeUndefined();
  });

  test("a model that it may not use rests alone; where nothing is answered a second one tells of the account", async () => {
    const { live, runtime } = setUp();
    call(live, one, outcome("PROVIDER_ACCESS"));
    expect(live.unavailable(one)).toMatchObject({ rule: "quarantine", retryInMs: 60_000 });
    expect(live.credentialUnavailable(KEY)).toBeUndefined();
    call(live, two, outcome("PROVIDER_ACCESS"));
    expect(live.credentialUnavailable(KEY)).toMatchObject({ rule: "quarantine" });
    await runtime.advance(60_000);
    call(live, two);
    call(live, one, outcome("PROVIDER_ACCESS"));
    call(live, two, outcome("PROVIDER_ACCESS"));
    expect(live.credentialUnavailable(KEY)).toBeUndefined();
  });

  test("models that callers make up never cost a credential", () => {
    const { live } = setUp();
    for (const name of ["a/x", "a/y", "a/z"]) call(live, targetOf(name), outcome("MODEL_NOT_FOUND"));
    expect(live.credentialUnavailable(KEY)).toBeUndefined();
    expect(live.unavailable(targetOf("a/x"))).toMatchObject({ rule: "quarantine" });
  });
});

describe("every reason has somebody to blame", () => {
  test.each(Object.entries(BLAME))("%s: %s", (name, blame) => {
    const { live } = setUp();
    calls(live, 10, one, outcome(name as ReasonName));
    const rests = { target: live.unavailable(one)?.rule, credential: live.credentialUnavailable(KEY)?.rule };
    const expected = {
      target: { target: "breaker", credential: undefined },
      model: { target: "quarantine", credential: undefined },
      rate: { target: undefined, credential: "cooling" },
      credential: { target: undefined, credential: "quarantine" },
      nobody: { target: undefined, credential: undefined },
    }[blame];
    expect(rests).toEqual(expected);
    expect(live.statistics(one)).toMatchObject({ attempts: 10, failures: blame === "nobody" ? 0 : 10 });
  });
});

describe("outliers", () => {
  test("a target that fails more often than a peer rests, only beside others, longer each time", async () => {
    const { live, runtime } = setUp();
    const failSome = (): void => {
      for (let i = 0; i < 5; i++) {
        calls(live, 9);
        call(live, one, failure);
      }
    };
    failSome();
    expect(live.unavailable(one)).toBeUndefined(); // nobody to compare with
    calls(live, 50, other);
    calls(live, 9);
    call(live, one, failure);
    expect(live.unavailable(one)).toMatchObject({ rule: "outlier", retryInMs: 5_000, onlyBesideOthers: true });
    expect(live.unavailable(other)).toBeUndefined();
    await runtime.advance(5_000);
    call(live);
    failSome();
    expect(live.unavailable(one)).toMatchObject({ rule: "outlier", retryInMs: 10_000 });
  });

  test("a target that answers much later than it used to rests until a probe is fast again", async () => {
    const { live, runtime } = setUp();
    const slow = outcome(undefined, { firstContentMs: 4_000, durationMs: 5_000 });
    calls(live, 30);
    await runtime.advance(10_000);
    calls(live, 4, one, slow);
    expect(live.unavailable(one)).toBeUndefined();
    call(live, one, slow);
    expect(live.unavailable(one)).toMatchObject({ rule: "outlier", onlyBesideOthers: true });
    await runtime.advance(5_000);
    call(live, one, slow);
    expect(live.unavailable(one)).toMatchObject({ rule: "outlier", retryInMs: 10_000 });
    await runtime.advance(10_000);
    call(live);
    expect(live.unavailable(one)).toBeUndefined();
  });

  test("what stays slow becomes usual", async () => {
    const { live, runtime } = setUp();
    const slow = outcome(undefined, { firstContentMs: 4_000, durationMs: 5_000 });
    calls(live, 30);
    await runtime.advance(10_000);
    calls(live, 5, one, slow);
    let probes = 0;
    while (live.unavailable(one)) {
      await runtime.advance(retryIn(live)!);
      call(live, one, slow);
      probes += 1;
      expect(probes).toBeLessThan(30);
    }
    expect(probes).toBeGreaterThan(3);
  });

  test("callers who give up after a long time in vain count, those who leave soon do not", async () => {
    const { live, runtime } = setUp();
    const gaveUp = (durationMs: number) => outcome("DEADLINE_EXCEEDED", { durationMs });
    calls(live, 30);
    await runtime.advance(10_000);
    calls(live, 20, one, gaveUp(50));
    expect(live.unavailable(one)).toBeUndefined();
    calls(live, 5, one, gaveUp(3_000));
    expect(live.unavailable(one)).toMatchObject({ rule: "outlier" });
  });
});

describe("news of health", () => {
  test("tells when something rests and when it works again", async () => {
    const { live, runtime, news } = setUp();
    calls(live, 5, one, failure);
    await runtime.advance(1_000);
    call(live);
    expect(news).toEqual([
      { subject: "target", name: "a/one", rule: "breaker", forMs: 1_000 },
      { subject: "target", name: "a/one", rule: "breaker", forMs: 0 },
    ]);
  });

  test("replicas that share them leave alone what one of them found", async () => {
    const runtime = new VirtualRuntime();
    const hears: ((news: HealthNews) => void)[] = [];
    const exchangeOf = (self: number): HealthExchange => ({
      publish: (news) => hears.forEach((hear, index) => index !== self && hear(news)),
      subscribe: (onNews) => void (hears[self] = onNews),
    });
    const [left, right] = [0, 1].map((self) => createLiveTargets(runtime, { exchange: exchangeOf(self) }));
    call(right!);
    calls(left!, 5, one, failure);
    call(left!, two, outcome("PROVIDER_RATE_LIMITED"));
    expect(right!.unavailable(one)).toMatchObject({ rule: "breaker", retryInMs: 1_000 });
    expect(right!.credentialUnavailable(KEY)).toMatchObject({ rule: "cooling" });
    await runtime.advance(1_000);
    expect(right!.unavailable(one)).toBeUndefined();
    calls(left!, 5, one, failure);
    call(left!);
    expect(right!.unavailable(one)).toBeUndefined();
  });
});

test("an attempt that is ended twice counts once, and what nobody calls is forgotten in time", () => {
  const { live } = setUp();
  const attempt = live.begin(one, KEY);
  expect(live.statistics(one).running).toBe(1);
  attempt.end(outcome());
  attempt.end(outcome());
  expect(live.statistics(one)).toMatchObject({ attempts: 1, running: 0 });
  for (let i = 0; i < 3_000; i++) call(live, targetOf(`a/made-up-${i}`));
  expect(live.statistics(one).attempts).toBe(0);
  expect(live.statistics(targetOf("a/made-up-2999")).attempts).toBe(1);
});
