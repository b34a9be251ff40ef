import { Cluster, Redis } from "ioredis";
import { expect, test } from "vitest";
import { sharedRedisUrl, startRedis, startRedisCluster } from "./support/services/redis.ts";

test("a Redis of the suite's own starts on a free port and is gone after the test", async () => {
  let port: number;
  {
    await using server = await startRedis();
    port = server.port;
    const client = new Redis(port, "127.0.0.1");
    expect(await client.ping()).toBe("PONG");
    client.disconnect();
  }
  const client = new Redis(port, "127.0.0.1", { lazyConnect: true, retryStrategy: () => null });
  client.on("error", () => {});
  await expect(client.connect()).rejects.toThrow("closed");
  expect(await sharedRedisUrl()).toBe(await sharedRedisUrl());
});

test("three servers serve all slots as one cluster", async () => {
  await using cluster = await startRedisCluster();
  const client = new Cluster(cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
  for (let index = 0; index < 20; index++) await client.set(`key${index}`, index);
  expect(await client.get("key7")).toBe("7");
  client.disconnect();
});
