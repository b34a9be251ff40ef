import type { Transaction } from "kysely";
import { chained, type AuditDraft, type AuditEntry } from "../audit-chain.ts";
import type { AuditLog } from "../key-store.ts";
import type { Database } from "./database.ts";
import type { AuditEntryRow } from "./tables-identity.ts";
import type { Tables } from "./tables.ts";

/** The audit log in the database. Rejects with a `ParleyError` while it is away. */
export function createSqlAuditLog(database: Database): AuditLog {
  return {
    append: (draft) => database.transaction("write the audit log", (query) => appendEntry(query, draft)),
    async entries({ afterSeq, limit, fromMs, toMs, actor, subject, organisation, project }) {
      const rows = await database.run("read the audit log", (all) => {
        let query = all.selectFrom("audit_entries").selectAll().where("seq", ">", afterSeq);
        if (fromMs !== undefined) query = query.where("at_ms", ">=", fromMs);
        if (toMs !== undefined) query = query.where("at_ms", "<", toMs);
        if (actor !== undefined) query = query.where("actor", "=", actor);
        if (subject !== undefined) query = query.where("subject", "=", subject);
        if (organisation !== undefined) query = query.where("organisation", "=", organisation);
        if (project !== undefined) query = query.where("project", "=", project);
        return query.orderBy("seq").limit(limit).execute();
      });
      return rows.map(entryOf);
    },
    head: () =>
      database.run("read the audit log", (query) =>
        query.selectFrom("audit_head").select(["seq", "hash"]).where("id", "=", 1).executeTakeFirstOrThrow(),
      ),
  };
}

/**
 * Appends an entry within a transaction. Until that ends nobody else appends: so places in the chain are given in the
 * order in which changes become visible, and whoever asks for changes after a place misses none.
 */
export async function appendEntry(query: Transaction<Tables>, draft: AuditDraft): Promise<AuditEntry> {
  const head = await query
    .updateTable("audit_head")
    .set((row) => ({ seq: row("seq", "+", 1) }))
    .where("id", "=", 1)
    .returning(["seq", "hash"])
    .executeTakeFirstOrThrow();
  const entry = chained({ seq: head.seq - 1, hash: head.hash }, draft);
  const { atMs, before, after, requestId, previousHash, organisation = "", project = "", ...same } = entry;
  const row: AuditEntryRow = {
    ...same,
    organisation,
    project,
    at_ms: atMs,
    before_json: before,
    after_json: after,
    request_id: requestId,
    previous_hash: previousHash,
  };
  await query.insertInto("audit_entries").values(row).execute();
  await query.updateTable("audit_head").set({ hash: entry.hash }).where("id", "=", 1).execute();
  return entry;
}

function entryOf(row: AuditEntryRow): AuditEntry {
  return {
    seq: row.seq,
    atMs: row.at_ms,
    actor: row.actor,
    action: row.action,
    subject: row.subject,
    organisation: row.organisation || undefined,
    project: row.project || undefined,
    before: row.before_json,
    after: row.after_json,
    requestId: row.request_id,
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}
