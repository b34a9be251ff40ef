import { setTimeout as delay } from "node:timers/promises";
import type { LoadCounts } from "./load/load.ts";
import { cpuTimeMs } from "./machine.ts";
import { median } from "./statistics.ts";
import type { Scenario } from "./scenarios.ts";
import type { Target } from "./targets.ts";

/** One target under one load for a short while. */
export interface Slice {
  /** Requests or events per second of wall time. */
  readonly perSecond: number;
  /** CPU time of the target per request or event, in microseconds. */
  readonly cpuMicroseconds: number;
  /** Share of one core that the target used: near 1 it was the bottleneck, else the driver, the pace or others were. */
  readonly coreShare: number;
  readonly latencyP50Ms: number | undefined;
  readonly firstTokenP50Ms: number | undefined;
}

/** When a slice is measured, in milliseconds: the first `settleMs` are discarded. */
export interface SliceTimes {
  readonly settleMs: number;
  readonly sliceMs: number;
}

function refuseFailures(scenario: Scenario, counts: LoadCounts): void {
  if (counts.failed === 0 && counts.completed > 0) return;
  const { failed, completed, firstFailure = "no answer ended in time" } = counts;
  throw new Error(
    `Cannot measure ${scenario.name}: ${failed} of ${failed + completed} answers failed: ${firstFailure}`,
  );
}

/** Events after which V8 has compiled what it will compile; a gateway has several times the code of a bare proxy. */
const warmUpUnits = 15_000;
const warmUpPollMs = 50;

/** Puts a load on a target until its code is compiled, or for `maxMs` where that takes longer. Throws as `measure`. */
export async function warmUp(scenario: Scenario, target: Target, maxMs: number): Promise<void> {
  const load = scenario.start(target.port);
  const { counts } = load;
  const until = performance.now() + maxMs;
  const answers = warmUpUnits / (scenario.unit === "event" ? 10 : 1);
  while (counts.completed < answers && counts.failed === 0 && performance.now() < until) await delay(warmUpPollMs);
  await load.stop();
  refuseFailures(scenario, counts);
}

/** Puts a load on a target. Throws when a single answer failed: figures of failures mean nothing. */
export async function measure(scenario: Scenario, target: Target, times: SliceTimes): Promise<Slice> {
  const load = scenario.start(target.port);
  const { counts } = load;
  await delay(times.settleMs);
  const before = { ...counts, latencies: counts.latenciesMs.length, firstTokens: counts.firstTokensMs.length };
  const [cpuBefore, startedAt] = [cpuTimeMs(target.pid), performance.now()];
  await delay(times.sliceMs * scenario.sliceFactor);
  const [cpuMs, wallMs] = [cpuTimeMs(target.pid) - cpuBefore, performance.now() - startedAt];
  const windowBytes = counts.bodyBytes - before.bodyBytes;
  const latencyP50Ms = median(counts.latenciesMs.slice(before.latencies));
  const firstTokenP50Ms = median(counts.firstTokensMs.slice(before.firstTokens));
  await load.stop();
  refuseFailures(scenario, counts);
  // Streams begin and end outside the window; bytes count the parts of them that fell inside.
  const answers = (windowBytes * counts.completed) / counts.bodyBytes;
  const units = answers * scenario.unitsPerAnswer;
  return {
    perSecond: (units / wallMs) * 1_000,
    cpuMicroseconds: (cpuMs * 1_000) / units,
    coreShare: cpuMs / wallMs,
    latencyP50Ms,
    firstTokenP50Ms,
  };
}
