import { expect, test } from "vitest";
import { create } from "@bufbuild/protobuf";
import { ChatRequestSchema, Priority } from "../contract/index.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import type { CallKind, LiveTargets } from "./live.ts";
import { createLiveTargets } from "./live-targets.ts";
import { ModelTable } from "./model-table.ts";
import { plan } from "./plan.ts";
import { DEFAULT_ROUTE_SETTINGS } from "./route-settings.ts";
import { targetOf } from "./routing.fixture.ts";

const STREAM: CallKind = { stream: true, batch: false };
const WHOLE: CallKind = { stream: false, batch: false };
const BATCH: CallKind = { stream: true, batch: true };

const one = targetOf("a/one");
const two = targetOf("b/two");

/** Calls of a kind that take so long, and time for them to become usual. */
async function calls(live: LiveTargets, runtime: VirtualRuntime, kind: CallKind, firstContentMs: number, target = one) {
  for (let count = 0; count < 10; count++) {
    const outcome = { error: undefined, firstContentMs, durationMs: firstContentMs, outputTokens: 10 };
    live.begin(target, "a#1", kind).end({ ...outcome, headroom: undefined });
  }
  await runtime.advance(10_000);
}

test("times to first content are kept apart by kind: streamed and whole, interactive and batch", async () => {
  const runtime = new VirtualRuntime();
  const live = createLiveTargets(runtime);
  await calls(live, runtime, STREAM, 100);
  await calls(live, runtime, WHOLE, 20_000);
  await calls(live, runtime, BATCH, 3_000);
  for (const [kind, ms] of [
    [STREAM, 100],
    [WHOLE, 20_000],
    [BATCH, 3_000],
  ] as const) {
    const { firstContentMs, attempts, usualFirstContentP95Ms } = live.statistics(one, kind);
    expect(firstContentMs!.p95 / ms).toBeCloseTo(1, 0);
    expect(usualFirstContentP95Ms! / ms).toBeCloseTo(1, 0);
    expect(attempts).toBe(30);
  }
  expect(live.statistics(one, { stream: false, batch: true }).firstContentMs).toBeUndefined();
  // Whole answers that take twenty seconds are not slow first words.
  for (let round = 0; round < 3; round++) await calls(live, runtime, WHOLE, 20_000);
  expect(live.unavailable(one)).toBeUndefined();
  const slow = calls(live, runtime, STREAM, 20_000);
  expect(live.unavailable(one)?.rule).toBe("outlier");
  await slow;
});

test("a batch leaves a target whose interactive tail suffers, whatever its own calls are like, and not the other way", async () => {
  const settings = { ...DEFAULT_ROUTE_SETTINGS, priority: Priority.BATCH };
  const table = new ModelTable([{ name: "r", targets: [one, two], settings }], []);
  const request = create(ChatRequestSchema, { model: "r" });
  const firstFor = (live: LiveTargets) =>
    plan(request, table, { allowsModel: () => true, unsupported: () => [], live }).targets[0]?.name;
  for (const [kind, expected] of [
    [WHOLE, "b/two"],
    [BATCH, "a/one"],
  ] as const) {
    const runtime = new VirtualRuntime();
    const live = createLiveTargets(runtime);
    await calls(live, runtime, BATCH, 1_000);
    await calls(live, runtime, kind, 1_000);
    expect(firstFor(live)).toBe("a/one");
    await runtime.advance(60_000);
    await calls(live, runtime, kind, 2_500);
    expect(firstFor(live)).toBe(expected);
  }
});
