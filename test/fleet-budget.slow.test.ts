import { expect, test } from "vitest";
import { fullestWindow, loadEvenly } from "./support/even-load.ts";
import { flood } from "./support/budget-flood.ts";
import { startFleet } from "./support/fleet.ts";
import { openSources } from "./support/permit-sources.ts";
import { TestLeaseBook } from "./support/services/lease-book.ts";
import { sharedRedisUrl, startRedis, startRedisCluster } from "./support/services/redis.ts";

const ROUNDS = 200;

test.each(["one server", "a cluster of three"])("200 floods on %s: overshoot 0, at least 98 % used", async (place) => {
  await using cluster = place === "one server" ? undefined : await startRedisCluster();
  const url = cluster?.url ?? (await sharedRedisUrl());
  const book = new TestLeaseBook();
  using fleet = await startFleet({ url, count: 8, book });
  let leastShare = 1;
  for (let seed = 1_000; seed < 1_000 + ROUNDS; seed++) {
    const result = await flood(fleet, book, seed);
    expect(result.mostHeldNanoUsd).toBeLessThanOrEqual(result.limitNanoUsd);
    expect(result.leasedNanoUsd).toBe(result.spentNanoUsd);
    leastShare = Math.min(leastShare, result.spentNanoUsd / result.limitNanoUsd);
  }
  expect(leastShare).toBeGreaterThanOrEqual(0.98);
});

test("a Redis that freezes for ten seconds costs time, and no money", async () => {
  await using server = await startRedis();
  const book = new TestLeaseBook();
  using fleet = await startFleet({ url: server.url, count: 8, book, commandTimeoutMs: 100 });
  const result = await flood(fleet, book, 3, (calls) => {
    if (calls !== 300) return;
    server.process.signal("SIGSTOP");
    setTimeout(() => server.process.signal("SIGCONT"), 10_000);
  });
  expect(result.mostHeldNanoUsd).toBeLessThanOrEqual(result.limitNanoUsd);
  expect(result.spentNanoUsd / result.limitNanoUsd).toBeGreaterThanOrEqual(0.98);
  expect(result.longestUnknownMs).toBeLessThan(2_000);
});

test("a longer window under even load keeps its limit wherever it begins", async () => {
  using sources = await openSources(await sharedRedisUrl(), 8);
  const load = { account: "key:k1|requests/10s", limit: 1_000, windowMs: 10_000 };
  const result = await loadEvenly(sources.all, { ...load, perWindow: 1_300, durationMs: 40_000 });
  expect(fullestWindow(result.admittedAtMs, load.windowMs)).toBeLessThanOrEqual(load.limit);
  expect(result.admittedAtMs.length / result.idealCount).toBeGreaterThanOrEqual(0.95);
});
