import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import type { Draw } from "../src/store/bank.ts";
import { flood, type FloodResult } from "./support/budget-flood.ts";
import { startFleet, type FleetReplica } from "./support/fleet.ts";
import { TestLeaseBook } from "./support/services/lease-book.ts";
import { startRedis } from "./support/services/redis.ts";
import { startTcpProxy } from "./support/services/tcp-proxy.ts";

const draw: Draw = {
  account: "key:k1|calendar_day@UTC",
  bucket: 20_000,
  window: [20_000],
  limitNanoUsd: 100,
  wantedNanoUsd: 10,
  leastNanoUsd: 10,
};

function expectExact(result: FloodResult): void {
  expect(result.mostHeldNanoUsd).toBeLessThanOrEqual(result.limitNanoUsd);
  expect(result.spentNanoUsd / result.limitNanoUsd).toBeGreaterThanOrEqual(0.98);
  expect(result.leasedNanoUsd).toBe(result.spentNanoUsd);
}

const grantOf = async ({ bank }: FleetReplica, wanted: number, least = wanted): Promise<number> =>
  (await bank.draw({ ...draw, wantedNanoUsd: wanted, leastNanoUsd: least })).grantedNanoUsd;

describe("a flood stays within its budget and uses it up", { timeout: 30_000 }, () => {
  test("when Redis is emptied again and again", async () => {
    await using server = await startRedis();
    const client = new Redis(server.port);
    const book = new TestLeaseBook();
    using fleet = await startFleet({ url: server.url, count: 8, book });
    expectExact(await flood(fleet, book, 1, (calls) => calls % 200 === 0 && void client.flushall()));
    expect(book.generations).toBeGreaterThan(4);
    client.disconnect();
  });

  test("when Redis dies and comes back with nothing", async () => {
    const server = await startRedis();
    const book = new TestLeaseBook();
    using fleet = await startFleet({ url: server.url, count: 8, book, commandTimeoutMs: 200 });
    let again: Promise<AsyncDisposable> | undefined;
    const result = await flood(fleet, book, 2, (calls) => {
      if (calls !== 300) return;
      again = (async () => {
        await server[Symbol.asyncDispose]();
        await new Promise((resolve) => setTimeout(resolve, 200));
        return startRedis({ port: server.port });
      })();
    });
    await (await again)![Symbol.asyncDispose]();
    expectExact(result);
    expect(result.unknown).toBeGreaterThan(0);
    expect(result.longestUnknownMs).toBeLessThan(2_000);
  });

  test("when Redis freezes for a while", async () => {
    await using server = await startRedis();
    const book = new TestLeaseBook();
    using fleet = await startFleet({ url: server.url, count: 8, book, commandTimeoutMs: 100 });
    const result = await flood(fleet, book, 3, (calls) => {
      if (calls !== 300) return;
      server.process.signal("SIGSTOP");
      setTimeout(() => server.process.signal("SIGCONT"), 500);
    });
    expectExact(result);
    expect(result.unknown).toBeGreaterThan(0);
    expect(result.longestUnknownMs).toBeLessThan(2_000);
  });

  test("when answers are lost, and when they are late", async () => {
    await using server = await startRedis();
    await using proxy = await startTcpProxy(server.port);
    const book = new TestLeaseBook();
    using fleet = await startFleet({ url: `redis://127.0.0.1:${proxy.port}`, count: 8, book, commandTimeoutMs: 100 });
    const result = await flood(fleet, book, 4, (calls) => {
      if (calls % 100 === 0) proxy.answersToLose += 2;
      if (calls === 500) proxy.delayAnswersMs = 20;
      if (calls === 700) proxy.delayAnswersMs = 0;
    });
    expect(proxy.lost).toBeGreaterThan(5);
    expectExact(result);
  });
});

describe("a bank", () => {
  test("gives one operation one answer, however often it is asked", async () => {
    await using server = await startRedis();
    await using proxy = await startTcpProxy(server.port);
    const book = new TestLeaseBook();
    using fleet = await startFleet({ url: `redis://127.0.0.1:${proxy.port}`, count: 1, book, commandTimeoutMs: 100 });
    const [replica] = fleet.replicas;
    expect(await grantOf(replica!, 10)).toBe(10);
    proxy.delayAnswersMs = 150;
    // Its first answer comes too late, and is the answer to the second question.
    const late = replica!.bank.draw(draw);
    setTimeout(() => (proxy.delayAnswersMs = 0), 50);
    expect((await late).grantedNanoUsd).toBe(10);
    await replica!.bank.flush();
    expect(book.total(draw.account)).toBe(20);
    expect(await grantOf(replica!, 80)).toBe(80);
  });

  test("notices a failover that lost the last writes, its own and those of others", async () => {
    await using first = await startRedis();
    await using second = await startRedis({ args: ["--replicaof", "127.0.0.1", `${first.port}`] });
    await using proxy = await startTcpProxy(first.port);
    const [old, next] = [new Redis(first.port), new Redis(second.port)];
    const book = new TestLeaseBook();
    using fleet = await startFleet({ url: `redis://127.0.0.1:${proxy.port}`, count: 3, book });
    const [one, other, third] = fleet.replicas;
    expect(await grantOf(one!, 10)).toBe(10);
    await old.wait(1, 1_000);
    await next.replicaof("NO", "ONE");
    expect(await grantOf(one!, 40)).toBe(40);
    expect(await grantOf(other!, 45)).toBe(45);
    const all = (kind: string) => () => fleet.replicas.every(({ connection }) => connection.state.kind === kind);
    proxy.isCut = true;
    await expect.poll(all("away")).toBe(true);
    proxy.targetPort = second.port;
    proxy.isCut = false;
    await expect.poll(all("connected"), { timeout: 5_000 }).toBe(true);
    expect(await grantOf(third!, 6)).toBe(0);
    expect(await grantOf(third!, 5)).toBe(5);
    old.disconnect();
    next.disconnect();
  });

  test("grants nothing twice where two servers both believe to be the one", async () => {
    await using first = await startRedis();
    await using second = await startRedis();
    const book = new TestLeaseBook();
    const url = (index: number): string => [first.url, second.url][index]!;
    using fleet = await startFleet({ url, count: 2, book, askOthersForMs: 0 });
    let granted = 0;
    for (let round = 0; round < 20; round++) granted += await grantOf(fleet.replicas[round % 2]!, 7, 3);
    expect(granted).toBeGreaterThanOrEqual(97);
    expect(granted).toBeLessThanOrEqual(100);
  });

  test("counts what a dead replica holds until it is back and its ledger says what it spent", async () => {
    await using server = await startRedis();
    const book = new TestLeaseBook();
    using fleet = await startFleet({ url: server.url, count: 2, book, askOthersForMs: 0 });
    expect(await grantOf(fleet.replicas[0]!, 60)).toBe(60);
    fleet.replicas[0]!.connection.close();
    expect(await grantOf(fleet.replicas[1]!, 50)).toBe(0);
    const life = { url: server.url, count: 1, book, prefix: fleet.prefix, epoch: 2, askOthersForMs: 0 };
    using again = await startFleet(life);
    const { bank } = again.replicas[0]!;
    expect(await grantOf(again.replicas[0]!, 50)).toBe(0);
    expect(await grantOf(again.replicas[0]!, 20)).toBe(20);
    await bank.settle({ spent: async () => new Map([[draw.bucket, 25]]) });
    expect(book.total(draw.account)).toBe(25 + 20);
    await expect.poll(() => grantOf(fleet.replicas[1]!, 55)).toBe(55);
    expect(await grantOf(fleet.replicas[1]!, 1)).toBe(0);
  });

  test("counts what replicas spent before they had leases", async () => {
    await using server = await startRedis();
    const book = new TestLeaseBook();
    book.before.set("replica-0", 70);
    using fleet = await startFleet({ url: server.url, count: 2, book, askOthersForMs: 0 });
    expect(await grantOf(fleet.replicas[1]!, 31)).toBe(0);
    expect(await grantOf(fleet.replicas[1]!, 10)).toBe(10);
    expect(await grantOf(fleet.replicas[0]!, 21)).toBe(0);
    expect(await grantOf(fleet.replicas[0]!, 20)).toBe(20);
  });

  test("works for a folder that was brought back from a copy, and forgot how far it had come", async () => {
    await using server = await startRedis();
    const book = new TestLeaseBook();
    const life = { url: server.url, count: 1, book, askOthersForMs: 0 };
    using later = await startFleet({ ...life, epoch: 7 });
    expect(await grantOf(later.replicas[0]!, 60)).toBe(60);
    later.replicas[0]!.connection.close();
    using earlier = await startFleet({ ...life, epoch: 3, prefix: later.prefix });
    expect(await grantOf(earlier.replicas[0]!, 41)).toBe(0);
    expect(await grantOf(earlier.replicas[0]!, 40)).toBe(40);
    expect(book.total(draw.account)).toBe(100);
  });

  test("counts what was spent beyond what was granted", async () => {
    await using server = await startRedis();
    const book = new TestLeaseBook();
    using fleet = await startFleet({ url: server.url, count: 2, book, askOthersForMs: 0 });
    const [one, other] = fleet.replicas;
    expect(await grantOf(one!, 50)).toBe(50);
    one!.bank.owe(draw, 45);
    await one!.bank.flush();
    expect(book.total(draw.account)).toBe(95);
    expect(await grantOf(other!, 6)).toBe(0);
    expect(await grantOf(other!, 5)).toBe(5);
  });

  test("asks others for what they do not need before it refuses", async () => {
    await using server = await startRedis();
    const book = new TestLeaseBook();
    using fleet = await startFleet({ url: server.url, count: 2, book });
    const [one, other] = fleet.replicas;
    expect(await grantOf(one!, 100)).toBe(100);
    one!.bank.onWanted((account) => account === draw.account && one!.bank.giveBack(draw, 30));
    expect(await grantOf(other!, 30)).toBe(30);
  });

  test("keeps every window of a rolling budget, also where an older bucket is extended", async () => {
    await using server = await startRedis();
    const book = new TestLeaseBook();
    using fleet = await startFleet({ url: server.url, count: 2, book, askOthersForMs: 0 });
    const at = async (index: number, bucket: number, wanted: number): Promise<number> => {
      const window = [bucket - 2, bucket - 1, bucket];
      const asked = { ...draw, account: "rolling_3h", bucket, window, wantedNanoUsd: wanted, leastNanoUsd: wanted };
      return (await fleet.replicas[index]!.bank.draw(asked)).grantedNanoUsd;
    };
    expect(await at(0, 100, 40)).toBe(40);
    expect(await at(1, 102, 50)).toBe(50);
    expect(await at(0, 100, 20)).toBe(0);
    expect(await at(0, 100, 10)).toBe(10);
    expect(await at(1, 103, 50)).toBe(50);
    expect(await at(0, 104, 1)).toBe(0);
  });
});
