import { sql, type Kysely } from "kysely";
import { EMPTY_HEAD } from "../../audit-chain.ts";
import type { Migration } from "../migrate.ts";

/** Keys made at run time, the secrets that replicas share, and the audit log. */
export const identity: Migration = {
  name: "0002-identity",
  async up(schema) {
    await createKeys(schema);
    await createAudit(schema);
  },
};

async function createKeys({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable("identity_keys")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("role", "text", (column) => column.notNull())
    .addColumn("scopes", "text", (column) => column.notNull())
    .addColumn("organisation", "text", (column) => column.notNull())
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("policy", "text", (column) => column.notNull())
    .addColumn("labels", "text", (column) => column.notNull())
    .addColumn("created_at_ms", "bigint", (column) => column.notNull())
    .addColumn("created_by", "text", (column) => column.notNull())
    .addColumn("expires_at_ms", "bigint")
    .addColumn("revoked_at_ms", "bigint")
    .addColumn("last_used_at_ms", "bigint")
    .addColumn("secrets", "text", (column) => column.notNull())
    .addColumn("revision", "bigint", (column) => column.notNull().unique())
    .execute();
  await schema
    .createTable("identity_secrets")
    .addColumn("name", "text", (column) => column.primaryKey())
    .addColumn("secret", "text", (column) => column.notNull())
    .execute();
}

async function createAudit(query: Kysely<unknown>): Promise<void> {
  await query.schema
    .createTable("audit_entries")
    .addColumn("seq", "bigint", (column) => column.primaryKey())
    .addColumn("at_ms", "bigint", (column) => column.notNull())
    .addColumn("actor", "text", (column) => column.notNull())
    .addColumn("action", "text", (column) => column.notNull())
    .addColumn("subject", "text", (column) => column.notNull())
    .addColumn("organisation", "text", (column) => column.notNull())
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("before_json", "text", (column) => column.notNull())
    .addColumn("after_json", "text", (column) => column.notNull())
    .addColumn("request_id", "text", (column) => column.notNull())
    .addColumn("previous_hash", "text", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .execute();
  await query.schema
    .createTable("audit_head")
    .addColumn("id", "integer", (column) => column.primaryKey())
    .addColumn("seq", "bigint", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .execute();
  await sql`insert into audit_head (id, seq, hash) values (1, ${EMPTY_HEAD.seq}, ${EMPTY_HEAD.hash})`.execute(query);
}
