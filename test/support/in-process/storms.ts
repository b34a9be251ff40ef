import { expect } from "vitest";
import { answeredShare, mostBeyondPromise, playStorm, type StormReport } from "./storm.ts";

// The storms that both suites play, the slow one with more requests.

const GOOD = "sandbox-gemini/story@tokens=2,delay_ms=50";

const bad = (percent: number): string => `sandbox/fault-503@tokens=2,delay_ms=50,percent=${percent}`;

function tell(what: string, report: StormReport, seed: number): void {
  const { requests, extraAtMs } = report;
  const share = (answeredShare(report) * 100).toFixed(3);
  const extra = ((extraAtMs.length / requests.length) * 100).toFixed(2);
  process.stdout.write(
    `${what}: ${requests.length} requests, seed ${seed}: ${share} % answered, ${extra} % extra attempts\n`,
  );
}

/** One of two targets fails this share of its calls: next to nobody notices. */
export async function oneBadTarget(percent: number, requests: number, seed: number): Promise<void> {
  const report = await playStorm({ requests, perSecond: 500, seed, targets: [bad(percent), GOOD] });
  tell(`one of two targets fails ${percent} % of its calls`, report, seed);
  expect(report.defects).toEqual([]);
  expect(report.requests).toHaveLength(requests);
  // It did fail, and somebody else was asked.
  expect(report.extraAtMs.length).toBeGreaterThan(4);
  expect(answeredShare(report)).toBeGreaterThanOrEqual(0.9999);
  expect(mostBeyondPromise(report)).toBeLessThanOrEqual(0);
}

/** Both targets fail this share of their calls, each on its own: as many are answered as chance says. */
export async function independentFaults(percent: number, requests: number, seed: number): Promise<void> {
  const other = bad(percent).replace("sandbox/", "sandbox-anthropic/");
  const report = await playStorm({ requests, perSecond: 500, seed, targets: [bad(percent), other] });
  tell(`both targets fail ${percent} % of their calls`, report, seed);
  const failure = (percent / 100) ** 2;
  const deviation = Math.sqrt((failure * (1 - failure)) / requests);
  expect(report.defects).toEqual([]);
  expect(Math.abs(1 - failure - answeredShare(report))).toBeLessThan(5 * deviation);
  expect(mostBeyondPromise(report)).toBeLessThanOrEqual(0);
}

/** Both targets are down for a minute and then heal: nobody is hammered, and soon all is well. */
export async function everythingDead(perSecond: number, seed: number): Promise<void> {
  const down = (provider: string): string => `${provider}/fault-503@tokens=2,delay_ms=50,down_ms=60000`;
  const targets = [down("sandbox"), down("sandbox-anthropic")];
  const report = await playStorm({ requests: 100 * perSecond, perSecond, seed, targets });
  tell("both targets are down for a minute", report, seed);
  expect(report.defects).toEqual([]);
  expect(answeredShare(report, 0, 55_000)).toBeLessThan(0.05);
  expect(answeredShare(report, 75_000)).toBe(1);
  expect(mostBeyondPromise(report)).toBeLessThanOrEqual(0);
}

/** Many requests fail at the same moment: they are not sent again at the same moment. */
export async function sameMoment(requests: number, seed: number): Promise<void> {
  const targets = ["sandbox/fault-503@tokens=2,down_ms=50"];
  const report = await playStorm({ requests, perSecond: 1_000_000, seed, targets });
  tell("all fail at the same moment", report, seed);
  expect(report.defects).toEqual([]);
  expect(mostBeyondPromise(report)).toBeLessThanOrEqual(0);
  expect(report.extraAtMs.length).toBeGreaterThan(30);
  const perTenMs = Map.groupBy(report.extraAtMs, (atMs) => Math.floor(atMs / 10));
  const busiest = Math.max(...[...perTenMs.values()].map((found) => found.length));
  expect(busiest).toBeLessThan(report.extraAtMs.length / 3);
}
