import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { testDatabase } from "../../../test/support/services/postgres.ts";
import { VirtualRuntime } from "../../runtime/virtual.ts";
import { openDatabase } from "./database.ts";
import { createSqlLeaseBook } from "./lease-book.ts";

const runtime = new VirtualRuntime();
const account = "key:a|calendar_day@UTC";
const lease = (replica: string, netNanoUsd: number, bucket = 1_790_000_000_000) => ({
  account,
  bucket,
  replica,
  netNanoUsd,
});

async function openBook(kind: string) {
  const place = kind === "PostgreSQL" ? await testDatabase() : undefined;
  const folder = place ? undefined : mkdtempSync(join(tmpdir(), "parley-leases-"));
  const database = await openDatabase(place ? { url: place.url } : { file: join(folder!, "parley.sqlite") });
  return {
    database,
    book: createSqlLeaseBook(database, runtime),
    async [Symbol.asyncDispose]() {
      await database.close();
      await place?.[Symbol.asyncDispose]();
      if (folder) rmSync(folder, { recursive: true });
    },
  };
}

describe.each(["SQLite", "PostgreSQL"])("leases in %s", { timeout: 60_000 }, (kind) => {
  test("stand by account, bucket and replica, up to 2^53", async () => {
    await using opened = await openBook(kind);
    const { book } = opened;
    const most = lease("r1", Number.MAX_SAFE_INTEGER);
    expect(await book.set(lease("r1", 1), 1)).toBe(1);
    expect(await book.set(most, 2)).toBe(1);
    await book.set(lease("r2", 5), 1);
    await book.set({ ...lease("r1", 7), account: "key:b|rolling_24h" }, 3);
    await book.set(lease("r1", 9, 1_790_000_000_002), 4);
    const { generation, rows } = await book.beginGeneration(account, [1_790_000_000_000, 1_790_000_000_001]);
    expect(generation).toBe(2);
    expect(rows.toSorted((one, other) => one.replica.localeCompare(other.replica))).toEqual([most, lease("r2", 5)]);
    expect(await book.set(lease("r2", 6), 2)).toBe(2);
    expect((await book.ofReplica("r1")).length).toBe(3);
    expect(await book.beginGeneration("unknown", [1])).toEqual({ generation: 2, rows: [] });
  });

  test("are what a replica spent where that is more", async () => {
    await using opened = await openBook(kind);
    const { book, database } = opened;
    const spent = [
      { account, bucket: 1, replica: "r1", nano_usd: 30 },
      { account, bucket: 1, replica: "r2", nano_usd: 40 },
      { account, bucket: 2, replica: "r2", nano_usd: 50 },
    ];
    await database.run("write", (query) => query.insertInto("spend_of_replica").values(spent).execute());
    await book.set(lease("r1", 100, 1), 1);
    await book.set(lease("r3", 0, 1), 1);
    const { rows } = await book.beginGeneration(account, [1]);
    expect(
      rows
        .map(({ replica, netNanoUsd }) => `${replica} ${netNanoUsd}`)
        .toSorted((one, other) => one.localeCompare(other)),
    ).toEqual(["r1 100", "r2 40", "r3 0"]);
    expect(await book.spentBefore(account, 2, "r2")).toBe(50);
    expect(await book.spentBefore(account, 2, "r1")).toBe(0);
  });

  test("are not changed by a write that comes late", async () => {
    await using opened = await openBook(kind);
    const { book } = opened;
    await book.set(lease("r1", 100), 7);
    await book.set(lease("r1", 20), 6);
    expect(await book.ofReplica("r1")).toEqual([lease("r1", 100)]);
  });

  test("are in the reading of a generation, or were set in a later one", async () => {
    await using opened = await openBook(kind);
    const { book } = opened;
    await book.set(lease("r0", 1), 1);
    const replicas = Array.from({ length: 24 }, (_, index) => `r${index + 1}`);
    const settings = replicas.map((replica) => book.set(lease(replica, 1), 1));
    const reading = await book.beginGeneration(account, [1_790_000_000_000]);
    const generations = await Promise.all(settings);
    const missing = replicas.filter((replica) => !reading.rows.some((row) => row.replica === replica));
    for (const replica of missing) expect(generations[replicas.indexOf(replica)]).toBe(reading.generation);
  });

  test("are forgotten by their replica when no window can have them any more", async () => {
    await using opened = await openBook(kind);
    const { book } = opened;
    await book.set(lease("r1", 100), 1);
    await runtime.advance(63 * 86_400_000);
    await book.set(lease("r1", 3, 5), 2);
    expect(await book.ofReplica("r1")).toEqual([lease("r1", 3, 5)]);
  });
});
