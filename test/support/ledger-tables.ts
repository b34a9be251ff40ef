import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeLine } from "../../src/ledger/format.ts";
import type { LedgerRecord } from "../../src/ledger/records.ts";
import { openDatabase, type Database } from "../../src/store/sql/database.ts";
import type { LedgerEventRow } from "../../src/store/sql/tables-ledger.ts";
import { testDatabase } from "./services/postgres.ts";

/** A database of one test, empty but for its tables. */
export interface TestTables extends AsyncDisposable {
  readonly database: Database;
  /** A folder of the test's own. */
  readonly folder: string;
}

/** Makes a database of each kind. */
export const TEST_DATABASES: readonly (readonly ["SQLite" | "PostgreSQL", () => Promise<TestTables>])[] = [
  ["SQLite", () => makeTables((folder) => Promise.resolve({ file: join(folder, "parley.sqlite") }))],
  [
    "PostgreSQL",
    async () => {
      const place = await testDatabase();
      return makeTables(
        () => Promise.resolve({ url: place.url }),
        () => place[Symbol.asyncDispose](),
      );
    },
  ],
];

async function makeTables(
  optionsFor: (folder: string) => Promise<{ readonly file: string } | { readonly url: string }>,
  end: () => PromiseLike<void> = () => Promise.resolve(),
): Promise<TestTables> {
  const folder = mkdtempSync(join(tmpdir(), "parley-tables-"));
  const database = await openDatabase(await optionsFor(folder));
  return {
    database,
    folder,
    async [Symbol.asyncDispose]() {
      await database.close();
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What the tables say, in an order of its own: everything but how far the projection is and the lines themselves. */
export async function tablesOf(database: Database) {
  return await database.run("look at the tables", async (query) => ({
    attempts: await query.selectFrom("ledger_attempts").selectAll().orderBy("request_id").orderBy("attempt").execute(),
    spend: await query.selectFrom("spend").selectAll().orderBy("account").orderBy("bucket").execute(),
    events: linesOf(
      await query.selectFrom("ledger_events").selectAll().orderBy("replica").orderBy("epoch").orderBy("seq").execute(),
    ),
    compensations: await query
      .selectFrom("ledger_compensations")
      .selectAll()
      .orderBy("request_id")
      .orderBy("compensation_id")
      .execute(),
  }));
}

// The lines one by one, as batches have them.
function linesOf(rows: readonly LedgerEventRow[]) {
  return rows.flatMap(({ replica, lines, body }) => {
    const texts = body.trimEnd().split("\n");
    if (texts.length !== lines) throw new RangeError(`Cannot read a batch: it has ${texts.length} lines, not ${lines}`);
    return texts.map((text) => {
      const { epoch, seq, content } = decodeLine(Buffer.from(text))!;
      return { replica, epoch, seq, kind: content.kind, body: text };
    });
  });
}

/** An attempt as a plain reading of its records gives it. */
export interface FoldedAttempt {
  readonly state: string;
  readonly charged: number;
  readonly compensated: number;
  readonly events: number;
}

/** What a plain reading of records in their order gives: no batches, no positions, each record once. */
export function foldPlainly(records: readonly LedgerRecord[]) {
  const attempts = new Map<string, FoldedAttempt & { readonly buckets: readonly (readonly [string, number])[] }>();
  const spend = new Map<string, number>();
  const seen = new Set<string>();
  const charge = (id: string, nanoUsd: number): void => {
    for (const [account, bucket] of attempts.get(id)?.buckets ?? []) {
      const name = `${account} ${bucket}`;
      if (nanoUsd !== 0) spend.set(name, (spend.get(name) ?? 0) + nanoUsd);
    }
  };
  for (const record of records) {
    if (record.kind === "request_ended") continue;
    const id = `${record.requestId} ${record.attempt}`;
    const known = attempts.get(id);
    if (record.kind === "forwarded") {
      const buckets = (record.hold?.buckets ?? []).map(({ account, bucket }) => [account, bucket] as const);
      attempts.set(id, { state: "forwarded", charged: 0, compensated: 0, events: 1, buckets });
      continue;
    }
    if (!known) throw new RangeError(`Cannot fold: ${id} was not forwarded`);
    if (record.kind === "compensated") {
      if (seen.has(`${id} ${record.compensationId}`)) continue;
      seen.add(`${id} ${record.compensationId}`);
    }
    const held = records.find((one) => one.kind === "forwarded" && `${one.requestId} ${one.attempt}` === id);
    const hold = held?.kind === "forwarded" ? (held.hold?.nanoUsd ?? 0) : 0;
    const added =
      record.kind === "attempt_ended"
        ? Number(record.cost?.nanoUsd ?? hold)
        : record.kind === "compensated"
          ? record.deltaNanoUsd
          : 0;
    attempts.set(id, {
      buckets: known.buckets,
      state: record.kind === "attempt_ended" ? record.state : record.kind === "compensated" ? known.state : record.kind,
      charged: known.charged + added,
      compensated: known.compensated + (record.kind === "compensated" ? added : 0),
      events: known.events + 1,
    });
    charge(id, added);
  }
  return { attempts, spend };
}
