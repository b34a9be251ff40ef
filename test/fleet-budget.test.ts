import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flood, floodUnchecked } from "./support/budget-flood.ts";
import { startFleet, type Fleet } from "./support/fleet.ts";
import { TestLeaseBook } from "./support/services/lease-book.ts";
import { sharedRedisUrl, startRedisCluster, type TestRedisCluster } from "./support/services/redis.ts";

const REPLICAS = 8;

describe("eight replicas, a thousand concurrent callers, one budget", () => {
  const book = new TestLeaseBook();
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ url: await sharedRedisUrl(), count: REPLICAS, book });
  });
  afterAll(() => fleet[Symbol.dispose]());

  test.each([1, 2, 3, 4, 5])("spend nothing too much and use it up, round %i", async (seed) => {
    const result = await flood(fleet, book, seed);
    expect(result.mostHeldNanoUsd).toBeLessThanOrEqual(result.limitNanoUsd);
    expect(result.spentNanoUsd / result.limitNanoUsd).toBeGreaterThanOrEqual(0.98);
    expect(result.leasedNanoUsd).toBe(result.spentNanoUsd);
  });

  test("control: who checks, then adds, spends too much", async () => {
    const url = await sharedRedisUrl();
    const clients = Array.from({ length: REPLICAS }, () => new Redis(url));
    const share = await floodUnchecked(clients, 1);
    for (const client of clients) client.disconnect();
    expect(share).toBeGreaterThan(1.05);
  });
});

describe("the same on a cluster of three", () => {
  let cluster: TestRedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  test("spends nothing too much and uses it up", async () => {
    const book = new TestLeaseBook();
    using fleet = await startFleet({ url: cluster.url, count: REPLICAS, book });
    for (const seed of [6, 7]) {
      const result = await flood(fleet, book, seed);
      expect(result.mostHeldNanoUsd).toBeLessThanOrEqual(result.limitNanoUsd);
      expect(result.spentNanoUsd / result.limitNanoUsd).toBeGreaterThanOrEqual(0.98);
      expect(result.leasedNanoUsd).toBe(result.spentNanoUsd);
    }
  });
});
