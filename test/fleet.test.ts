import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { realRuntime } from "../src/runtime/real.ts";
import type { HealthNews } from "../src/store/health-exchange.ts";
import { openSharedStore, type SharedStore, type SharedStoreOptions } from "../src/store/redis/shared-store.ts";
import { startGatewayProcess, startMain, TestFolder } from "./support/process.ts";
import { TestLeaseBook } from "./support/services/lease-book.ts";
import { testDatabase } from "./support/services/postgres.ts";
import { sharedRedisUrl, startRedis } from "./support/services/redis.ts";

const book = new TestLeaseBook();

function open(url: string, prefix: string, replica: string, more: Partial<SharedStoreOptions> = {}) {
  const runtime = realRuntime();
  return openSharedStore({ url, runtime, prefix, replica, epoch: 1, book, whenIsolated: "refuse", ...more });
}

function isItself(store: SharedStore): boolean {
  try {
    store.replicas.assertIsSelf();
    return true;
  } catch {
    return false;
  }
}

test("replicas hear of each other's health and changes, and not of their own", async () => {
  const [url, prefix] = [await sharedRedisUrl(), `test-${randomUUID()}`];
  const [one, other] = await Promise.all([open(url, prefix, "r1"), open(url, prefix, "r2")]);
  const news: HealthNews = { subject: "target", name: "openai/gpt-5-mini", rule: "breaker", forMs: 2_000 };
  const heard: unknown[] = [];
  one.health.subscribe((told) => heard.push(["r1", told]));
  other.health.subscribe((told) => heard.push(["r2", told]));
  one.changes.onChange("keys", () => heard.push("r1 keys"));
  const end = other.changes.onChange("keys", () => heard.push("r2 keys"));
  one.health.publish(news);
  one.changes.announce("keys");
  one.changes.announce("policies");
  await expect.poll(() => heard).toEqual([["r2", news], "r2 keys"]);
  end();
  one.changes.announce("keys");
  // Whoever speaks nonsense on the channel, a newer replica perhaps, is not heard.
  const client = new Redis(url);
  await client.publish(`${prefix}:health`, 'r3 {"subject":"planet"}');
  await client.publish(`${prefix}:health`, "r3 nonsense");
  one.health.publish({ ...news, forMs: 0 });
  await expect.poll(() => heard.length).toBe(3);
  expect(heard[2]).toEqual(["r2", { ...news, forMs: 0 }]);
  client.disconnect();
  await Promise.all([one.close(), other.close()]);
});

test("replicas know how many they are; a copy of a folder is found out by the one that was first", async () => {
  const [url, prefix] = [await sharedRedisUrl(), `test-${randomUUID()}`];
  const one = await open(url, prefix, "r1");
  const other = await open(url, prefix, "r2");
  await expect.poll(() => one.replicas.count, { timeout: 5_000 }).toBe(2);
  expect(new Set(other.replicas.live.map(({ id }) => id))).toEqual(new Set(["r1", "r2"]));
  const copy = await open(url, prefix, "r1");
  await expect.poll(() => isItself(one), { timeout: 5_000 }).toBe(false);
  expect(() => one.replicas.assertIsSelf()).toThrow("another process uses a copy of this data folder");
  copy.replicas.assertIsSelf();
  await Promise.all([other.close(), copy.close(), one.close()]);
});

test("a replica that is cut off refuses after its time, unless it is told to go on", async () => {
  const server = await startRedis();
  const isolatedAfterMs = 1_500;
  const [refusing, continuing] = await Promise.all([
    open(server.url, "p", "r1", { isolatedAfterMs }),
    open(server.url, "p", "r2", { isolatedAfterMs, whenIsolated: "continue" }),
  ]);
  await server[Symbol.asyncDispose]();
  await expect.poll(() => refusing.state.kind).toBe("away");
  refusing.assertNotIsolated();
  await expect
    .poll(() => refusing.replicas.isIsolated && continuing.replicas.isIsolated, { timeout: 5_000 })
    .toBe(true);
  expect(() => refusing.assertNotIsolated()).toThrow("fleet.when_isolated is refuse");
  continuing.assertNotIsolated();
  await Promise.all([refusing.close(), continuing.close()]);
});

test("a Redis that may evict counters, or cannot be reached, is refused at start without its password", async () => {
  await using server = await startRedis({
    args: ["--maxmemory-policy", "allkeys-lru", "--requirepass", "hidden-word"],
  });
  const url = `redis://:hidden-word@127.0.0.1:${server.port}`;
  await expect(open(url, "p", "r1")).rejects.toThrow(
    `Cannot use Redis at redis://127.0.0.1:${server.port}: its maxmemory-policy is allkeys-lru`,
  );
  await expect(open("redis://:hidden-word@127.0.0.1:1", "p", "r1")).rejects.toThrow(
    /^Cannot use Redis at redis:\/\/127\.0\.0\.1:1: (?!.*hidden-word)/,
  );
});

test("two gateways share a rate, and neither starts with Redis alone", { timeout: 30_000 }, async () => {
  await using redis = await startRedis();
  await using database = await testDatabase();
  using folder = new TestFolder();
  const PARLEY_REDIS_URL = redis.url;
  const alone = startMain(["--port", "0"], { cwd: folder.path, env: { PARLEY_REDIS_URL } });
  await alone.exited;
  expect(alone.stderr).toContain("set PARLEY_DATABASE_URL as well");

  const env = { PARLEY_REDIS_URL, PARLEY_DATABASE_URL: database.url };
  const key = "a-key-of-a-test-that-is-long";
  const yaml = [
    "version: 1",
    "sandbox: true",
    `keys: [{ name: ci, key: ${key}, policy: slow }]`,
    "policies: { slow: { rates: [{ requests: 6, per: day }] } }",
  ].join("\n");
  using other = new TestFolder();
  await using one = await startGatewayProcess(folder, { env, yaml });
  await using two = await startGatewayProcess(other, { env, yaml });
  const statuses: number[] = [];
  for (let index = 0; index < 10; index++) {
    const answer = await fetch(`${[one, two][index % 2]!.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "sandbox/echo", messages: [{ role: "user", content: "hello" }] }),
    });
    statuses.push(answer.status);
    await answer.arrayBuffer();
  }
  // What one has drawn ahead, the other does not get: the order may differ, the sum may not.
  expect(statuses.filter((status) => status === 200)).toHaveLength(6);
  expect(statuses.filter((status) => status === 429)).toHaveLength(4);
  const metrics = await (
    await fetch(`${one.url}/metrics`, { headers: { authorization: `Bearer ${one.adminKey}` } })
  ).text();
  expect(metrics).toContain("parley_fleet_connected 1");
  expect(metrics).toMatch(/parley_fleet_replicas [12]\n/);
});
