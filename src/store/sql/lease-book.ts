import { sql } from "kysely";
import type { Runtime } from "../../runtime/runtime.ts";
import type { LeaseBook, LeaseRow } from "../lease-book.ts";
import type { Database, Query } from "./database.ts";

// Twice the longest window, a month: no bucket of a lease that was last written before is in any window.
const KEEP_MS = 62 * 86_400_000;
const FIRST_GENERATION = 1;

/** The leases in the database that holds the ledger. Rejects with a `ParleyError` while it is away. */
export function createSqlLeaseBook(database: Database, runtime: Pick<Runtime, "nowMs">): LeaseBook {
  return {
    async set(row, operation) {
      const written = { ...tableRowOf(row), operation, changed_at_ms: runtime.nowMs() };
      for (;;) {
        const generation = await (database.kind === "postgres"
          ? database.run("note the lease", (query) => setInPostgres(query, written))
          : database.transaction("note the lease", (query) => setInSqlite(query, written)));
        if (generation !== undefined) return generation;
        const first = { account: row.account, generation: FIRST_GENERATION };
        await database.run("note the lease", (query) =>
          query
            .insertInto("lease_generation")
            .values(first)
            .onConflict((conflict) => conflict.doNothing())
            .execute(),
        );
      }
    },
    beginGeneration: (account, buckets) =>
      database.transaction("read the leases", async (query) => {
        // Waits for every `set` that has seen the old generation: the reading, a statement of its own, has it then.
        const { generation } = await query
          .insertInto("lease_generation")
          .values({ account, generation: FIRST_GENERATION + 1 })
          .onConflict((conflict) =>
            conflict.column("account").doUpdateSet((row) => ({
              generation: row("lease_generation.generation", "+", 1),
            })),
          )
          .returning("generation")
          .executeTakeFirstOrThrow();
        return { generation, rows: await readLeases(query, account, buckets) };
      }),
    spentBefore: (account, bucket, replica) =>
      database.run("read what was spent", async (query) => {
        const row = await query
          .selectFrom("spend_of_replica")
          .select("nano_usd")
          .where("account", "=", account)
          .where("bucket", "=", bucket)
          .where("replica", "=", replica)
          .executeTakeFirst();
        return row?.nano_usd ?? 0;
      }),
    ofReplica: (replica) =>
      database.run("read the leases", async (query) => {
        // Of all replicas: one whose folder is lost never comes to forget its own.
        await query
          .deleteFrom("lease")
          .where("changed_at_ms", "<", runtime.nowMs() - KEEP_MS)
          .execute();
        const rows = await query.selectFrom("lease").selectAll().where("replica", "=", replica).execute();
        return rows.map(leaseOf);
      }),
  };
}

/** What each replica has leased or, where that is more, spent. */
async function readLeases(query: Query, account: string, buckets: readonly number[]): Promise<LeaseRow[]> {
  if (buckets.length === 0) return [];
  const range = { first: Math.min(...buckets), last: Math.max(...buckets) };
  const leased = await query
    .selectFrom("lease")
    .select(["account", "bucket", "replica", "net_nano_usd"])
    .where("account", "=", account)
    .where("bucket", ">=", range.first)
    .where("bucket", "<=", range.last)
    .execute();
  const spent = await query
    .selectFrom("spend_of_replica")
    .select(["account", "bucket", "replica", "nano_usd as net_nano_usd"])
    .where("account", "=", account)
    .where("bucket", ">=", range.first)
    .where("bucket", "<=", range.last)
    .execute();
  const rows = new Map<string, LeaseRow>();
  for (const row of [...leased, ...spent].map(leaseOf)) {
    const key = `${row.bucket} ${row.replica}`;
    const known = rows.get(key);
    if (buckets.includes(row.bucket) && row.netNanoUsd >= (known?.netNanoUsd ?? 0)) rows.set(key, row);
  }
  return [...rows.values()];
}

type WrittenRow = ReturnType<typeof tableRowOf> & { readonly operation: number; readonly changed_at_ms: number };

/** One round trip: the generation is locked, and answered, as it is when the lease is committed. */
async function setInPostgres(query: Query, row: WrittenRow): Promise<number | undefined> {
  const { rows } = await sql<{ generation: number }>`
    with fence as (select generation from lease_generation where account = ${row.account} for share),
    written as (
      insert into lease (account, bucket, replica, net_nano_usd, operation, changed_at_ms)
      select ${row.account}, ${row.bucket}::bigint, ${row.replica}, ${row.net_nano_usd}::bigint,
        ${row.operation}::bigint, ${row.changed_at_ms}::bigint
      from fence
      on conflict (account, bucket, replica) do update
      set net_nano_usd = excluded.net_nano_usd, operation = excluded.operation, changed_at_ms = excluded.changed_at_ms
      where lease.operation < excluded.operation
    )
    select generation from fence`.execute(query);
  return rows[0]?.generation;
}

async function setInSqlite(query: Query, row: WrittenRow): Promise<number | undefined> {
  const fence = await query
    .selectFrom("lease_generation")
    .select("generation")
    .where("account", "=", row.account)
    .executeTakeFirst();
  if (!fence) return undefined;
  await query
    .insertInto("lease")
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(["account", "bucket", "replica"]).doUpdateSet(row).where("lease.operation", "<", row.operation),
    )
    .execute();
  return fence.generation;
}

function tableRowOf({ account, bucket, replica, netNanoUsd }: LeaseRow) {
  return { account, bucket, replica, net_nano_usd: netNanoUsd };
}

function leaseOf(row: ReturnType<typeof tableRowOf>): LeaseRow {
  return { account: row.account, bucket: row.bucket, replica: row.replica, netNanoUsd: row.net_nano_usd };
}
