import type { PermitSource } from "../../src/store/permit-source.ts";

/** What even load over a while came to. */
export interface EvenLoadResult {
  /** Milliseconds since the start, ascending. */
  readonly admittedAtMs: readonly number[];
  /** How many a counter would have admitted that nobody has to ask. */
  readonly idealCount: number;
}

/** Sends requests evenly to several replicas in turn, each of which draws one permit and uses it at once. */
export async function loadEvenly(
  sources: readonly PermitSource[],
  load: { account: string; limit: number; windowMs: number; perWindow: number; durationMs: number },
): Promise<EvenLoadResult> {
  const { account, limit, windowMs, perWindow, durationMs } = load;
  const admittedAtMs: number[] = [];
  const ideal: number[] = [];
  const running: Promise<void>[] = [];
  const startMs = performance.now();
  const now = (): number => performance.now() - startMs;
  const request = async (index: number): Promise<void> => {
    const atMs = now();
    if (ideal.length < limit || atMs - ideal[ideal.length - limit]! >= windowMs) ideal.push(atMs);
    const source = sources[index % sources.length]!;
    const { granted } = await source.draw({ account, limit, windowMs, wanted: 1, least: 1 });
    if (granted > 0) admittedAtMs.push(now());
  };
  const betweenMs = windowMs / perWindow;
  for (let sent = 0; now() < durationMs;) {
    while (sent * betweenMs <= now()) running.push(request(sent++));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(running);
  return { admittedAtMs: admittedAtMs.sort((one, other) => one - other), idealCount: ideal.length };
}

/** Most admissions in any window, wherever it begins. */
export function fullestWindow(admittedAtMs: readonly number[], windowMs: number): number {
  let most = 0;
  let first = 0;
  for (let last = 0; last < admittedAtMs.length; last++) {
    while (admittedAtMs[last]! - admittedAtMs[first]! >= windowMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
