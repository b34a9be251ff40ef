import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { sharedRedisUrl, startRedis } from "./support/services/redis.ts";

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
