import { expect, test } from "vitest";
import type { PermitDraw } from "../src/store/permit-source.ts";
import { fullestWindow, loadEvenly } from "./support/even-load.ts";
import { openSources } from "./support/permit-sources.ts";
import { sharedRedisUrl, startRedis } from "./support/services/redis.ts";

const REPLICAS = 8;

test("eight replicas under even load use a rate up, and no window has too many", async () => {
  using sources = await openSources(await sharedRedisUrl(), REPLICAS);
  const load = { account: "key:k1|requests/1s", limit: 200, windowMs: 1_000 };
  const result = await loadEvenly(sources.all, { ...load, perWindow: 250, durationMs: 2_500 });
  expect(fullestWindow(result.admittedAtMs, load.windowMs)).toBeLessThanOrEqual(load.limit);
  expect(result.admittedAtMs.length / result.idealCount).toBeGreaterThanOrEqual(0.95);
  expect(sources.fellBack.size).toBe(0);
});

test("a draw says when the next may be granted, and what comes back can be drawn again", async () => {
  using sources = await openSources(await sharedRedisUrl(), 2);
  const [one, other] = sources.all;
  const draw: PermitDraw = { account: "key:k1|tokens/60s", limit: 100, windowMs: 60_000, wanted: 60, least: 60 };
  const first = await one!.draw(draw);
  expect(first).toMatchObject({ granted: 60, left: 40, retryInMs: 0 });
  expect(first.validForMs).toBeLessThanOrEqual(1_000);
  const refused = await other!.draw(draw);
  expect(refused).toMatchObject({ granted: 0, left: 40 });
  expect(refused.retryInMs).toBeGreaterThan(60_000);
  expect(refused.retryInMs).toBeLessThanOrEqual(60_000 * 1.03);
  one!.giveBack(draw.account, first.slot, 50);
  await expect.poll(() => other!.draw({ ...draw, wanted: 0, least: 0 })).toMatchObject({ left: 90 });
});

test("permits of those at once go round, and a dead replica's come back", async () => {
  using sources = await openSources(await sharedRedisUrl(), 2);
  const [one, other] = sources.all;
  const draw: PermitDraw = { account: "key:k1|concurrency", limit: 4, windowMs: 0, wanted: 3, least: 3 };
  expect(await one!.draw(draw)).toMatchObject({ granted: 3, left: 1 });
  expect(await other!.draw({ ...draw, wanted: 2, least: 2 })).toMatchObject({ granted: 0, left: 1 });
  one!.giveBack(draw.account, 0, 2);
  await expect.poll(() => other!.draw({ ...draw, wanted: 2, least: 2 })).toMatchObject({ granted: 2, left: 1 });
  // Two of them die; what they held is there again when their time is over.
  sources.connections[1]!.close();
  other!.close();
  const all = (): unknown => one!.draw({ ...draw, wanted: 3, least: 3 });
  expect(await all()).toMatchObject({ granted: 0 });
  await expect.poll(all, { timeout: 5_000, interval: 50 }).toMatchObject({ granted: 3 });
});

test("without Redis each replica admits its share, less what it has had, and tells Redis afterwards", async () => {
  const server = await startRedis();
  using sources = await openSources(server.url, 4, 100);
  const draw: PermitDraw = { account: "key:k1|requests/60s", limit: 40, windowMs: 60_000, wanted: 4, least: 1 };
  expect(await sources.all[0]!.draw(draw)).toMatchObject({ granted: 4 });
  await server[Symbol.asyncDispose]();
  await expect.poll(() => sources.connections.every(({ state }) => state.kind === "away")).toBe(true);
  const grants = await Promise.all(sources.all.map(async (source) => source.draw({ ...draw, wanted: 40 })));
  expect(grants.map(({ granted }) => granted)).toEqual([6, 10, 10, 10]);
  expect(sources.fellBack).toEqual(new Set([0, 1, 2, 3]));
  await using again = await startRedis({ port: server.port });
  expect(again.port).toBe(server.port);
  await expect
    .poll(() => sources.connections.every(({ state }) => state.kind === "connected"), { timeout: 5_000 })
    .toBe(true);
  for (const source of sources.all) await source.draw({ ...draw, wanted: 0, least: 0 });
  // The new server knows nothing of the four that the old one granted.
  expect(await sources.all[0]!.draw({ ...draw, wanted: 0, least: 0 })).toMatchObject({ left: 4 });
});
