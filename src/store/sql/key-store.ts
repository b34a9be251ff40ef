import type { Transaction } from "kysely";
import { ParleyError } from "../../errors/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { KeyDraft, KeyRow, KeySecretRow, KeyStore } from "../key-store.ts";
import { appendEntry } from "./audit-log.ts";
import type { Database } from "./database.ts";
import type { IdentityKeyRow } from "./tables-identity.ts";
import type { Tables } from "./tables.ts";

const SECRET_BYTES = 32;

/** The made keys in the database. Rejects with a `ParleyError` while it is away. */
export function createSqlKeyStore(database: Database, runtime: Pick<Runtime, "randomHex">): KeyStore {
  return {
    async changedSince(revision) {
      const rows = await database.run("read the keys", (query) =>
        query.selectFrom("identity_keys").selectAll().where("revision", ">", revision).orderBy("revision").execute(),
      );
      return rows.map(keyOf);
    },
    save: (draft, expected, audit) =>
      database.transaction("keep the key", async (query) => {
        // The entry first: from here on no other change comes between what is read and what is written.
        const entry = await appendEntry(query, audit);
        const before = await query
          .selectFrom("identity_keys")
          .select(["revision", "last_used_at_ms"])
          .where("id", "=", draft.id)
          .executeTakeFirst();
        if ((before?.revision ?? 0) !== expected) throw changedMeanwhile();
        const row = rowOf(draft, entry.seq);
        if (before) await query.updateTable("identity_keys").set(row).where("id", "=", draft.id).execute();
        else
          await query
            .insertInto("identity_keys")
            .values({ ...row, last_used_at_ms: null })
            .execute();
        const kept = { ...draft, lastUsedAtMs: before?.last_used_at_ms ?? undefined, revision: entry.seq };
        return { row: kept, head: { seq: entry.seq, hash: entry.hash } };
      }),
    async used(atMs) {
      await database.transaction("note the use of keys", (query) => noteUses(query, atMs));
    },
    secret: (name) =>
      database.transaction("read a secret", async (query) => {
        await query
          .insertInto("identity_secrets")
          .values({ name, secret: runtime.randomHex(SECRET_BYTES) })
          .onConflict((conflict) => conflict.column("name").doNothing())
          .execute();
        const { secret } = await query
          .selectFrom("identity_secrets")
          .select("secret")
          .where("name", "=", name)
          .executeTakeFirstOrThrow();
        return Buffer.from(secret, "hex");
      }),
  };
}

// In the order of ids, so that replicas that write the same rows never wait for each other in a circle.
async function noteUses(query: Transaction<Tables>, atMs: ReadonlyMap<string, number>): Promise<void> {
  for (const [id, usedAtMs] of [...atMs].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    await query
      .updateTable("identity_keys")
      .set({ last_used_at_ms: usedAtMs })
      .where("id", "=", id)
      .where((row) => row.or([row("last_used_at_ms", "is", null), row("last_used_at_ms", "<", usedAtMs)]))
      .execute();
  }
}

function changedMeanwhile(): ParleyError {
  return new ParleyError("CONFLICT", "Cannot keep the key: somebody else has changed it meanwhile; look at it again");
}

function rowOf(draft: KeyDraft, revision: number): Omit<IdentityKeyRow, "last_used_at_ms"> {
  return {
    id: draft.id,
    name: draft.name,
    role: draft.role,
    scopes: JSON.stringify(draft.scopes),
    organisation: draft.organisation ?? "",
    project: draft.project ?? "",
    policy: draft.policy ?? "",
    labels: JSON.stringify(draft.labels),
    created_at_ms: draft.createdAtMs,
    created_by: draft.createdBy,
    expires_at_ms: draft.expiresAtMs ?? null,
    revoked_at_ms: draft.revokedAtMs ?? null,
    secrets: JSON.stringify(draft.secrets),
    revision,
  };
}

function keyOf(row: IdentityKeyRow): KeyRow {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    scopes: JSON.parse(row.scopes) as string[],
    organisation: row.organisation || undefined,
    project: row.project || undefined,
    policy: row.policy || undefined,
    labels: JSON.parse(row.labels) as Record<string, string>,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    expiresAtMs: row.expires_at_ms ?? undefined,
    revokedAtMs: row.revoked_at_ms ?? undefined,
    lastUsedAtMs: row.last_used_at_ms ?? undefined,
    secrets: JSON.parse(row.secrets) as KeySecretRow[],
    revision: row.revision,
  };
}
