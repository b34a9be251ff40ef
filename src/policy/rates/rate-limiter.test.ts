import { describe, expect, test } from "vitest";
import { reasonName } from "../../errors/index.ts";
import { VirtualRuntime } from "../../runtime/virtual.ts";
import { compileRates, type RateSetting } from "./compile-rates.ts";
import { LocalPermitSource } from "./local-source.ts";
import type { PermitDraw, PermitGrant, PermitSource } from "./permit-source.ts";
import { RateLimiter, type RateDecision, type TokenNeed } from "./rate-limiter.ts";
import { SLOTS } from "./sliding-window.ts";

const BY = { holder: { kind: "key", id: "k1" } as const, policy: "p" };

function rulesOf(...settings: (Partial<RateSetting> & Pick<RateSetting, "kind" | "limit">)[]) {
  return compileRates(
    BY,
    settings.map((one) => ({ windowMs: one.kind === "concurrency" ? 0 : 1_000, models: undefined, ...one })),
  );
}

const tokens =
  (most: number, atLeast = most) =>
  (): TokenNeed => ({ most, atLeast });
const NO_TOKENS = tokens(0);

function atOnce(decision: RateDecision | Promise<RateDecision>): RateDecision {
  if (decision instanceof Promise) throw new Error("a local source answers at once");
  return decision;
}

function setUp(seed = 1) {
  const runtime = new VirtualRuntime({ seed });
  const source = new LocalPermitSource(runtime);
  const limiter = new RateLimiter(source, runtime);
  const take = (rules: ReturnType<typeof rulesOf>, need = NO_TOKENS) => atOnce(limiter.take(rules, need));
  return { runtime, source, limiter, take };
}

/** The most in any window of this length, its end left out: only one that ends with an admission can be the fullest. */
function fullest(admitted: readonly { atMs: number; count: number }[], windowMs: number): number {
  let most = 0;
  let sum = 0;
  let first = 0;
  for (const { atMs, count } of admitted) {
    sum += count;
    while (admitted[first]!.atMs + windowMs <= atMs) sum -= admitted[first++]!.count;
    most = Math.max(most, sum);
  }
  return most;
}

const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);

describe("in no window of its length is more admitted than a limit allows", () => {
  test.each(SEEDS)("requests, whatever the load and the steps of the clock (%i)", (seed) => {
    const { runtime, take } = setUp(seed);
    const limit = 1 + Math.floor(runtime.random() * 250);
    const windowMs = [1_000, 60_000, 3_600_000][seed % 3]!;
    const rules = rulesOf({ kind: "requests", limit, windowMs });
    const admitted: { atMs: number; count: number }[] = [];
    for (let step = 0; step < 1_200; step++) {
      // Bursts, and pauses of any fraction of a window.
      const pause = runtime.random();
      if (pause > 0.5) runtime.skip((pause ** 6 * windowMs * 1.5) / (step % 7 === 0 ? 1 : limit));
      if (!take(rules).refusal) admitted.push({ atMs: runtime.monotonicMs(), count: 1 });
    }
    expect(admitted.length).toBeGreaterThan(limit);
    expect(fullest(admitted, windowMs)).toBeLessThanOrEqual(limit);
  });

  test.each(SEEDS)("tokens, whatever they are corrected to (%i)", (seed) => {
    const { runtime, take } = setUp(seed);
    const rules = rulesOf({ kind: "tokens", limit: 1_000 });
    const used: { atMs: number; count: number }[] = [];
    const running: (() => void)[] = [];
    for (let step = 0; step < 600; step++) {
      if (runtime.random() < 0.7) runtime.skip(runtime.random() * 40);
      if (running.length > 0 && runtime.random() < 0.4)
        running.splice(Math.floor(runtime.random() * running.length), 1)[0]!();
      const most = 1 + Math.floor(runtime.random() * 300);
      const decision = take(rules, tokens(most));
      if (decision.refusal) continue;
      const entry = { atMs: runtime.monotonicMs(), count: Math.floor(runtime.random() * (most + 1)) };
      used.push(entry);
      running.push(() => decision.end(entry.count));
    }
    expect(fullest(used, 1_000)).toBeLessThanOrEqual(1_000);
  });
});

describe("an even load", () => {
  test.each([
    [20, 1_000],
    [600, 60_000],
    [6, 60_000],
    [1, 1_000],
    [10_000, 3_600_000],
  ])("of %i per %i ms is admitted to at least 95 per cent", (limit, windowMs) => {
    const { runtime, take } = setUp();
    const rules = rulesOf({ kind: "requests", limit, windowMs });
    const asked = Math.min(limit * 6, 20_000);
    let admitted = 0;
    for (let index = 0; index < asked; index++) {
      runtime.skip(windowMs / limit);
      if (!take(rules).refusal) admitted += 1;
    }
    expect(admitted / asked).toBeGreaterThanOrEqual(0.95);
  });

  test("that is three times too much uses at least 95 per cent of the limit", () => {
    const { runtime, take } = setUp();
    const rules = rulesOf({ kind: "requests", limit: 600, windowMs: 60_000 });
    let admitted = 0;
    for (let index = 0; index < 600 * 3 * 10; index++) {
      runtime.skip(60_000 / 1_800);
      if (!take(rules).refusal) admitted += 1;
    }
    expect(admitted).toBeLessThanOrEqual(600 * 11);
    expect(admitted).toBeGreaterThanOrEqual(600 * 10 * 0.95);
  });
});

describe("the time to wait", () => {
  test.each(SEEDS.slice(0, 20))("is enough, and not a slot too long (%i)", (seed) => {
    const { runtime, take, limiter } = setUp(seed);
    const windowMs = [1_000, 60_000][seed % 2]!;
    const rules = rulesOf(
      { kind: "requests", limit: 5 + seed, windowMs },
      { kind: "tokens", limit: 500, windowMs: windowMs * 2 },
    );
    for (let round = 0; round < 50; round++) {
      runtime.skip(runtime.random() * windowMs * 0.2);
      const need = tokens(1 + Math.floor(runtime.random() * 120));
      const { refusal, end } = take(rules, need);
      if (!refusal) {
        if (runtime.random() < 0.5) end(0);
        continue;
      }
      expect(reasonName(refusal.reason)).toBe("RATE_LIMITED");
      const waitMs = refusal.retryDelayMs!;
      const tooEarly = waitMs - (windowMs * 2) / SLOTS - 1; // a slot of the longer window
      runtime.skip(Math.max(0, tooEarly));
      expect(tooEarly <= 0 || limiter.lacks(rules, need) !== undefined).toBe(true);
      runtime.skip(waitMs - Math.max(0, tooEarly));
      expect(limiter.lacks(rules, need)).toBeUndefined();
      expect(take(rules, need).refusal).toBeUndefined();
    }
  });

  test("is the longest of all that refuse", () => {
    const { take } = setUp();
    const rules = rulesOf({ kind: "requests", limit: 1 }, { kind: "requests", limit: 1, windowMs: 60_000 });
    expect(take(rules).refusal).toBeUndefined();
    const { refusal } = take(rules);
    expect(refusal?.retryDelayMs).toBeGreaterThan(60_000);
    expect(refusal?.retryDelayMs).toBeLessThanOrEqual(60_601);
    expect(refusal?.message).toBe(
      `Cannot accept the request now: the limit of 1 requests per minute of the key's policy p is used up; try again in ${refusal!.retryDelayMs! / 1000} s`,
    );
  });
});

describe("the time until all is left again", () => {
  test.each([
    ["of a small limit", 10],
    ["of a large limit", 1_000],
  ])("%s counts from the last request that still counts", (_name, limit) => {
    const { runtime, take, source } = setUp();
    const rules = rulesOf({ kind: "requests", limit });
    take(rules);
    runtime.skip(500);
    const { figures } = take(rules);
    expect(figures[0]?.resetInMs).toBeGreaterThan(1_000);
    expect(figures[0]?.resetInMs).toBeLessThanOrEqual(1_011);
    runtime.skip(figures[0]!.resetInMs);
    const [{ account, windowMs }] = rules as [(typeof rules)[0]];
    expect(source.peek({ account, limit, windowMs, wanted: 0, least: 0 })).toMatchObject({ left: limit, resetInMs: 0 });
  });
});

describe("several limits", () => {
  test("are taken all, or none", () => {
    const { take, limiter } = setUp();
    const plenty = rulesOf(
      { kind: "requests", limit: 10 },
      { kind: "tokens", limit: 1_000 },
      { kind: "concurrency", limit: 9 },
    );
    const scarce = rulesOf({ kind: "requests", limit: 1, windowMs: 60_000 });
    const together = [...plenty, ...scarce];
    expect(take(together, tokens(10)).refusal).toBeUndefined();
    for (let index = 0; index < 50; index++) expect(take(together, tokens(500)).refusal).toBeDefined();
    const { figures } = take(plenty, tokens(10));
    expect(figures.map(({ remaining }) => remaining)).toEqual([8, 980, 7]);
    expect(limiter.lacks(plenty, tokens(980))).toBeUndefined();
  });

  test("a request that is larger than a limit is refused at once and for good, and takes nothing", () => {
    const { take } = setUp();
    const rules = rulesOf({ kind: "requests", limit: 5 }, { kind: "tokens", limit: 100 });
    const { refusal } = take(rules, tokens(101));
    expect(reasonName(refusal!.reason)).toBe("REQUEST_TOO_LARGE");
    expect(refusal!.retryDelayMs).toBeUndefined();
    // Where nobody has said how long the answer may be, a guess is no reason to refuse.
    const guessed = take(rules, tokens(8_200, 8));
    expect(guessed.refusal).toBeUndefined();
    expect(guessed.figures.map(({ remaining }) => remaining)).toEqual([4, 0]);
  });

  test("tokens that were not used come back, and those used beyond the reckoning are missing", () => {
    const { take } = setUp();
    const rules = rulesOf({ kind: "tokens", limit: 1_000 });
    const first = take(rules, tokens(600));
    first.end(100);
    first.end(0); // a second end changes nothing
    expect(take(rules, tokens(300)).figures[0]?.remaining).toBe(600);
    const guessed = take(rules, tokens(100, 1));
    guessed.end(400);
    expect(take(rules, tokens(201)).refusal).toBeDefined();
    expect(take(rules, tokens(200)).refusal).toBeUndefined();
  });

  test.each(SEEDS.slice(0, 10))("what runs at once is given back however it ends (%i)", (seed) => {
    const { runtime, take } = setUp(seed);
    const rules = rulesOf({ kind: "concurrency", limit: 5 }, { kind: "requests", limit: 40 });
    const running: RateDecision[] = [];
    for (let step = 0; step < 2_000; step++) {
      if (runtime.random() < 0.3) runtime.skip(runtime.random() * 100);
      if (runtime.random() < 0.5 && running.length > 0) running.shift()!.end(0);
      const decision = take(rules);
      if (!decision.refusal) running.push(decision);
      expect(running.length).toBeLessThanOrEqual(5);
    }
    for (const one of running) one.end(0);
    runtime.skip(2_000);
    expect(take(rules).figures[0]?.remaining).toBe(4);
  });
});

describe("a shared source", () => {
  test("is asked once for many requests, gets what is not used back, and is not asked again while it refuses", async () => {
    const runtime = new VirtualRuntime();
    const source = new SharedSource(runtime);
    const limiter = new RateLimiter(source, runtime, { aheadShare: 0.2 });
    const rules = rulesOf({ kind: "requests", limit: 100 });
    const decisions = await Promise.all(Array.from({ length: 10 }, async () => limiter.take(rules, NO_TOKENS)));
    expect(decisions.every(({ refusal }) => !refusal)).toBe(true);
    expect(source.draws).toBe(1);
    expect(limiter.take(rules, NO_TOKENS)).not.toBeInstanceOf(Promise);
    // What was drawn ahead goes back once its time is over.
    await runtime.advance(300);
    expect(source.givenBack).toBe(10);
    await limiter.take(rules, NO_TOKENS);
    expect(source.draws).toBe(2);
    source.empty = true;
    await runtime.advance(300);
    expect((await limiter.take(rules, NO_TOKENS)).refusal).toBeDefined();
    for (let index = 0; index < 20; index++) {
      const again = limiter.take(rules, NO_TOKENS);
      expect(atOnce(again).refusal).toBeDefined();
    }
    expect(source.draws).toBe(3);
    runtime.skip(60);
    source.empty = false;
    expect((await limiter.take(rules, NO_TOKENS)).refusal).toBeUndefined();
  });

  test("gives the next request at once what the last one of those at once has left", async () => {
    const runtime = new VirtualRuntime();
    const source = new SharedSource(runtime);
    const limiter = new RateLimiter(source, runtime, { aheadShare: 0.2 });
    const rules = rulesOf({ kind: "concurrency", limit: 5 });
    const first = await limiter.take(rules, NO_TOKENS);
    const second = atOnce(limiter.take(rules, NO_TOKENS));
    second.end(0);
    atOnce(limiter.take(rules, NO_TOKENS)).end(0);
    first.end(0);
    expect([source.draws, source.givenBack]).toEqual([1, 1]);
    await runtime.advance(300);
    expect(source.givenBack).toBe(2);
  });

  test("that fails gives nothing, and what others have granted goes back", async () => {
    const runtime = new VirtualRuntime();
    const source = new SharedSource(runtime);
    const limiter = new RateLimiter(source, runtime, { aheadShare: 0.2 });
    const rules = rulesOf({ kind: "concurrency", limit: 5 }, { kind: "requests", limit: 100 });
    source.failsAfter = 1;
    await expect(limiter.take(rules, NO_TOKENS)).rejects.toThrow("away");
    await runtime.advance(300);
    expect(source.givenBack).toBe(2); // its own, and the one that was drawn ahead
  });
});

/** Grants what is asked, a turn later, for a quarter of a second. */
class SharedSource implements PermitSource {
  draws = 0;
  givenBack = 0;
  empty = false;
  failsAfter = Infinity;
  readonly runtime: VirtualRuntime;

  constructor(runtime: VirtualRuntime) {
    this.runtime = runtime;
  }

  async draw({ wanted }: PermitDraw): Promise<PermitGrant> {
    this.draws += 1;
    if (this.draws > this.failsAfter) throw new Error("away");
    await Promise.resolve();
    if (this.empty) return { granted: 0, validForMs: 0, slot: 0, left: 0, retryInMs: 500 };
    return { granted: wanted, validForMs: 250, slot: 7, left: 80, retryInMs: 0 };
  }

  giveBack(_account: string, _slot: number, count: number): void {
    this.givenBack += count;
  }
}

test("accounts of which nothing is used are forgotten", () => {
  const { runtime, source, limiter } = setUp();
  for (let index = 0; index < 10_000; index++) {
    const holder = { kind: "key", id: `k${index}` } as const;
    const rules = compileRates({ holder, policy: "p" }, [
      { kind: "requests", limit: 5, windowMs: 1_000, models: undefined },
    ]);
    expect(atOnce(limiter.take(rules, NO_TOKENS)).refusal).toBeUndefined();
    runtime.skip(1);
  }
  expect(source.size).toBeLessThan(8_192);
});
