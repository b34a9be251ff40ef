import { sql, type Kysely } from "kysely";
import type { Database } from "../database.ts";
import type { Migration } from "../migrate.ts";

/** The ledger's projection, what it has charged, and the leases of replicas. */
export const ledger: Migration = {
  name: "0001-ledger",
  async up(schema, kind) {
    await createEvents(schema, kind);
    await createAttempts(schema);
    await createMoney(schema);
  },
};

// SQLite then keeps rows in the order of their primary key, and the key not twice.
function begin({ schema }: Kysely<unknown>, kind: Database["kind"], name: string) {
  const table = schema.createTable(name);
  return kind === "sqlite" ? table.modifyEnd(sql`without rowid`) : table;
}

async function createEvents(query: Kysely<unknown>, kind: Database["kind"]): Promise<void> {
  await begin(query, kind, "ledger_events")
    .addColumn("replica", "text", (column) => column.notNull())
    .addColumn("epoch", "bigint", (column) => column.notNull())
    .addColumn("seq", "bigint", (column) => column.notNull())
    .addColumn("lines", "integer", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("ledger_events_pk", ["replica", "epoch", "seq"])
    .execute();
}

async function createAttempts(query: Kysely<unknown>): Promise<void> {
  // With a rowid, so that rows stand in the order in which they came: their ids are random.
  await query.schema
    .createTable("ledger_attempts")
    .addColumn("request_id", "text", (column) => column.notNull())
    .addColumn("attempt", "integer", (column) => column.notNull())
    .addColumn("replica", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("events", "integer", (column) => column.notNull())
    .addColumn("records", "text", (column) => column.notNull())
    .addColumn("received_at_ms", "bigint", (column) => column.notNull())
    .addColumn("forwarded_at_ms", "bigint", (column) => column.notNull())
    .addColumn("checkpoint_at_ms", "bigint")
    .addColumn("ended_at_ms", "bigint")
    .addColumn("key_id", "text", (column) => column.notNull())
    .addColumn("organisation", "text", (column) => column.notNull())
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("surface", "text", (column) => column.notNull())
    .addColumn("requested_model", "text", (column) => column.notNull())
    .addColumn("provider", "text", (column) => column.notNull())
    .addColumn("model", "text", (column) => column.notNull())
    .addColumn("credential_id", "text", (column) => column.notNull())
    .addColumn("stream", "integer", (column) => column.notNull())
    .addColumn("price_version", "text", (column) => column.notNull())
    .addColumn("tags", "text", (column) => column.notNull())
    .addColumn("held_nano_usd", "bigint")
    .addColumn("buckets", "text", (column) => column.notNull())
    .addColumn("reason", "text", (column) => column.notNull())
    .addColumn("http_status", "integer")
    .addColumn("upstream_request_id", "text", (column) => column.notNull())
    .addColumn("first_content_ms", "bigint")
    .addColumn("input_tokens", "bigint", (column) => column.notNull())
    .addColumn("output_tokens", "bigint", (column) => column.notNull())
    .addColumn("usage", "text", (column) => column.notNull())
    .addColumn("cost_nano_usd", "bigint")
    .addColumn("estimated", "integer", (column) => column.notNull())
    .addColumn("charged_nano_usd", "bigint", (column) => column.notNull())
    .addColumn("compensated_nano_usd", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("ledger_attempts_pk", ["request_id", "attempt"])
    .execute();
  await query.schema
    .createIndex("ledger_attempts_time")
    .on("ledger_attempts")
    .columns(["forwarded_at_ms", "request_id", "attempt"])
    .execute();
}

async function createMoney({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable("ledger_compensations")
    .addColumn("request_id", "text", (column) => column.notNull())
    .addColumn("attempt", "integer", (column) => column.notNull())
    .addColumn("compensation_id", "text", (column) => column.notNull())
    .addColumn("delta_nano_usd", "bigint", (column) => column.notNull())
    .addColumn("reason", "text", (column) => column.notNull())
    .addColumn("actor", "text", (column) => column.notNull())
    .addColumn("at_ms", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("ledger_compensations_pk", ["request_id", "attempt", "compensation_id"])
    .execute();
  await schema
    .createTable("spend")
    .addColumn("account", "text", (column) => column.notNull())
    .addColumn("bucket", "bigint", (column) => column.notNull())
    .addColumn("nano_usd", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("spend_pk", ["account", "bucket"])
    .execute();
  await schema
    .createTable("lease")
    .addColumn("account", "text", (column) => column.notNull())
    .addColumn("bucket", "bigint", (column) => column.notNull())
    .addColumn("replica", "text", (column) => column.notNull())
    .addColumn("net_nano_usd", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("lease_pk", ["account", "bucket", "replica"])
    .execute();
  await schema.createIndex("lease_replica").on("lease").columns(["replica"]).execute();
  await schema
    .createTable("projector")
    .addColumn("replica", "text", (column) => column.primaryKey())
    .addColumn("epoch", "bigint", (column) => column.notNull())
    .addColumn("seq", "bigint", (column) => column.notNull())
    .addColumn("segment", "bigint", (column) => column.notNull())
    .addColumn("offset_bytes", "bigint", (column) => column.notNull())
    .execute();
}
