import { crashPoint } from "../../runtime/crash-point.ts";
import { sql, type SqlBool } from "kysely";
import type { KnownRows, LedgerChanges, LedgerStore } from "../ledger-store.ts";
import type { Database, Query } from "./database.ts";
import { insertRows, insertStep, type RowInsert } from "./insert-rows.ts";
import { scriptQuery } from "./script-query.ts";
import type { LedgerTables } from "./tables-ledger.ts";

type Insert<Table extends keyof LedgerTables> = RowInsert<Table>;

const EVENTS: Insert<"ledger_events"> = {
  table: "ledger_events",
  columns: ["replica", "epoch", "seq", "lines", "body"],
};

const ATTEMPT_COLUMNS = [
  "request_id",
  "attempt",
  "replica",
  "state",
  "events",
  "records",
  "received_at_ms",
  "forwarded_at_ms",
  "checkpoint_at_ms",
  "ended_at_ms",
  "key_id",
  "organisation",
  "project",
  "surface",
  "requested_model",
  "provider",
  "model",
  "credential_id",
  "stream",
  "price_version",
  "tags",
  "held_nano_usd",
  "buckets",
  "reason",
  "http_status",
  "upstream_request_id",
  "first_content_ms",
  "input_tokens",
  "output_tokens",
  "usage",
  "cost_nano_usd",
  "estimated",
  "charged_nano_usd",
  "compensated_nano_usd",
] as const satisfies (keyof LedgerTables["ledger_attempts"])[];

const ATTEMPTS: Insert<"ledger_attempts"> = {
  table: "ledger_attempts",
  columns: ATTEMPT_COLUMNS,
  suffix: `on conflict (request_id, attempt) do update set ${replaced(ATTEMPT_COLUMNS.slice(2))}`,
};

const COMPENSATIONS: Insert<"ledger_compensations"> = {
  table: "ledger_compensations",
  columns: ["request_id", "attempt", "compensation_id", "delta_nano_usd", "reason", "actor", "at_ms"],
};

const SPEND: Insert<"spend"> = {
  table: "spend",
  columns: ["account", "bucket", "nano_usd"],
  suffix: "on conflict (account, bucket) do update set nano_usd = spend.nano_usd + excluded.nano_usd",
};

const SPEND_OF_REPLICA: RowInsert<"spend_of_replica"> = {
  table: "spend_of_replica",
  columns: ["account", "bucket", "replica", "nano_usd"],
  suffix:
    "on conflict (account, bucket, replica) do update set nano_usd = spend_of_replica.nano_usd + excluded.nano_usd",
};

const POSITION: Insert<"projector"> = {
  table: "projector",
  columns: ["replica", "epoch", "seq", "segment", "offset_bytes"],
  suffix: `on conflict (replica) do update set ${replaced(["epoch", "seq", "segment", "offset_bytes"])}`,
};

function replaced(columns: readonly string[]): string {
  return columns.map((column) => `${column} = excluded.${column}`).join(", ");
}

/** The projection's tables in a database. */
export function createSqlLedgerStore(database: Database): LedgerStore {
  const { kind } = database;
  return {
    position: (replica) =>
      database.run("read how far the ledger is projected", (query) =>
        query.selectFrom("projector").selectAll().where("replica", "=", replica).executeTakeFirst(),
      ),
    update: (replica, requestIds, fold) =>
      database.transaction("project the ledger", async (query) => {
        const read = kind === "sqlite" ? readKnownAtOnce : readKnown;
        const known = await read(query, replica, requestIds);
        await write(query, kind, fold(known));
        crashPoint("projection_uncommitted");
      }),
    sync: () => database.sync(),
    async spent(account, buckets) {
      if (buckets.length === 0) return new Map();
      const rows = await database.run("read what was spent", (query) =>
        query
          .selectFrom("spend")
          .select(["bucket", "nano_usd"])
          .where("account", "=", account)
          .where("bucket", "in", buckets)
          .execute(),
      );
      return new Map(rows.map(({ bucket, nano_usd }) => [bucket, nano_usd]));
    },
    async spentBy(replica, account, buckets) {
      if (buckets.length === 0) return new Map();
      const rows = await database.run("read what was spent", (query) =>
        query
          .selectFrom("spend_of_replica")
          .select(["bucket", "nano_usd"])
          .where("account", "=", account)
          .where("replica", "=", replica)
          .where("bucket", "in", buckets)
          .execute(),
      );
      return new Map(rows.map(({ bucket, nano_usd }) => [bucket, nano_usd]));
    },
  };
}

// The replica's own position first: two processes of one replica cannot both go on. Then attempts in order, since a
// correction may come from another replica.
async function readKnown(query: Query, replica: string, requestIds: readonly string[]): Promise<KnownRows> {
  const position = await query
    .selectFrom("projector")
    .selectAll()
    .where("replica", "=", replica)
    .forUpdate()
    .executeTakeFirst();
  if (requestIds.length === 0) return { position, attempts: [], compensations: [] };
  // One parameter, so that it is one text however many there are.
  const isOneOf = sql<SqlBool>`request_id = any(${requestIds})`;
  const attempts = await query
    .selectFrom("ledger_attempts")
    .selectAll()
    .where(isOneOf)
    .orderBy("request_id")
    .orderBy("attempt")
    .forUpdate()
    .execute();
  // A batch of new requests, as nearly all are, knows nothing.
  if (attempts.length === 0) return { position, attempts, compensations: [] };
  const compensations = await query
    .selectFrom("ledger_compensations")
    .select(["request_id", "attempt", "compensation_id"])
    .where(isOneOf)
    .execute();
  return { position, attempts, compensations };
}

const IS_ONE_OF = "request_id in (select value from json_each(?))";

// The same questions in one message to SQLite's thread, where a transaction needs no locks: there is one connection.
async function readKnownAtOnce(query: Query, replica: string, requestIds: readonly string[]): Promise<KnownRows> {
  const ids = [[JSON.stringify(requestIds)]];
  const { rows } = await query.executeQuery(
    scriptQuery([
      { sql: "select * from projector where replica = ?", rows: [[replica]] },
      { sql: `select * from ledger_attempts where ${IS_ONE_OF}`, rows: ids },
      { sql: `select request_id, attempt, compensation_id from ledger_compensations where ${IS_ONE_OF}`, rows: ids },
    ]),
  );
  const [positions, attempts, compensations] = rows as [
    KnownRows["position"][],
    KnownRows["attempts"],
    KnownRows["compensations"],
  ];
  return { position: positions[0], attempts, compensations };
}

async function write(query: Query, kind: Database["kind"], changes: LedgerChanges): Promise<void> {
  const { events, attempts, compensations, position } = changes;
  // In order, so that replicas that charge the same accounts wait for each other and never around.
  const spend = [...changes.spend].sort(byBucket);
  const spendOfReplica = spend.map((row) => ({ ...row, replica: position.replica }));
  if (kind === "sqlite") {
    const steps = [
      insertStep(EVENTS, events),
      insertStep(ATTEMPTS, attempts),
      insertStep(COMPENSATIONS, compensations),
      insertStep(SPEND, spend),
      insertStep(SPEND_OF_REPLICA, spendOfReplica),
      insertStep(POSITION, [position]),
    ];
    await query.executeQuery(scriptQuery(steps));
    return;
  }
  await insertRows(query, EVENTS, events);
  await insertRows(query, ATTEMPTS, attempts);
  await insertRows(query, COMPENSATIONS, compensations);
  await insertRows(query, SPEND, spend);
  await insertRows(query, SPEND_OF_REPLICA, spendOfReplica);
  await insertRows(query, POSITION, [position]);
}

function byBucket(
  a: { readonly account: string; readonly bucket: number },
  b: { readonly account: string; readonly bucket: number },
): number {
  return a.account < b.account ? -1 : a.account > b.account ? 1 : a.bucket - b.bucket;
}
