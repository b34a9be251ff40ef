import { expect, test } from "vitest";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { Watch, type Expiry } from "./watch.ts";

function setUp(options: { deadlineInMs?: number; keepAliveMs?: number } = {}) {
  const runtime = new VirtualRuntime();
  const seen: { what: Expiry | "keep-alive"; atMs: number }[] = [];
  const watch = new Watch(runtime, {
    deadlineInMs: options.deadlineInMs ?? 100_000,
    keepAliveMs: options.keepAliveMs ?? Infinity,
    onKeepAlive: () => seen.push({ what: "keep-alive", atMs: runtime.monotonicMs() }),
  });
  const onExpired = (what: Expiry): void => void seen.push({ what, atMs: runtime.monotonicMs() });
  return { runtime, seen, watch, onExpired };
}

test("Watch tells a stage that lasts too long, at its limit and not before", async () => {
  const { runtime, seen, watch, onExpired } = setUp();
  watch.begin(15_000, onExpired);
  await runtime.advance(14_999);
  expect(seen).toEqual([]);
  await runtime.advance(1);
  expect(seen).toEqual([{ what: "stage", atMs: 15_000 }]);
});

test("Watch counts progress from the last content", async () => {
  const { runtime, seen, watch, onExpired } = setUp();
  watch.begin(15_000, onExpired);
  for (let i = 0; i < 5; i++) {
    await runtime.advance(10_000);
    watch.progress(15_000);
  }
  await runtime.advance(14_999);
  expect(seen).toEqual([]);
  await runtime.advance(1);
  expect(seen).toEqual([{ what: "stage", atMs: 65_000 }]);
});

test("Watch hears of a stage that becomes shorter than the one before", async () => {
  const { runtime, seen, watch, onExpired } = setUp();
  watch.begin(60_000, onExpired);
  watch.progress(1_000);
  await runtime.advance(1_000);
  expect(seen).toEqual([{ what: "stage", atMs: 1_000 }]);
});

test("Watch tells the deadline, which no progress moves", async () => {
  const { runtime, seen, watch, onExpired } = setUp({ deadlineInMs: 20_000 });
  watch.begin(15_000, onExpired);
  await runtime.advance(10_000);
  watch.progress(15_000);
  await runtime.advance(10_000);
  expect(seen).toEqual([{ what: "deadline", atMs: 20_000 }]);
  expect(watch.remainingMs).toBe(0);
});

test("Watch stands still while the caller cannot take more", async () => {
  const { runtime, seen, watch, onExpired } = setUp();
  watch.begin(15_000, onExpired);
  watch.suspend();
  await runtime.advance(60_000);
  expect(seen).toEqual([]);
  watch.resume();
  await runtime.advance(15_000);
  expect(seen).toEqual([{ what: "stage", atMs: 75_000 }]);
});

test("Watch gives signs of life every ten seconds without a write", async () => {
  const { runtime, seen, watch, onExpired } = setUp({ keepAliveMs: 10_000 });
  watch.begin(120_000, onExpired);
  await runtime.advance(25_000);
  expect(seen.map((one) => one.atMs)).toEqual([10_000, 20_000]);
  watch.wrote();
  await runtime.advance(9_999);
  expect(seen).toHaveLength(2);
  await runtime.advance(1);
  expect(seen[2]).toEqual({ what: "keep-alive", atMs: 35_000 });
});

test("Watch leaves no timer behind, also when it is stopped from within", async () => {
  const { runtime, watch } = setUp();
  watch.begin(1_000, () => watch.stop());
  await runtime.advance(5_000);
  expect(runtime.pendingTimers).toBe(0);
});

test("Watch serves a second attempt after the first has ended", async () => {
  const { runtime, seen, watch, onExpired } = setUp();
  watch.begin(15_000, onExpired);
  await runtime.advance(5_000);
  watch.end();
  watch.begin(15_000, onExpired);
  await runtime.advance(15_000);
  expect(seen).toEqual([{ what: "stage", atMs: 20_000 }]);
});

test("Watch gives an upstream its time again where the process itself stood still, but not the deadline", () => {
  let nowMs = 0;
  const armed: { readonly delayMs: number; readonly fire: () => void }[] = [];
  const runtime = Object.assign(new VirtualRuntime(), {
    monotonicMs: () => nowMs,
    setTimer: (delayMs: number, fire: () => void) => {
      armed.push({ delayMs, fire });
      return { cancel: () => undefined };
    },
  });
  const seen: Expiry[] = [];
  const watch = new Watch(runtime, { deadlineInMs: 100_000, keepAliveMs: Infinity, onKeepAlive: () => undefined });
  watch.begin(15_000, (what) => seen.push(what));
  // Half a minute of nothing: timers fall due before anybody has read what came meanwhile.
  nowMs = 45_000;
  armed.at(-1)?.fire();
  expect(seen).toEqual([]);
  expect(armed.at(-1)?.delayMs).toBe(15_000);
  nowMs = 60_000;
  armed.at(-1)?.fire();
  expect(seen).toEqual(["stage"]);
  watch.begin(15_000, (what) => seen.push(what));
  nowMs = 200_000;
  armed.at(-1)?.fire();
  expect(seen).toEqual(["stage", "deadline"]);
});
