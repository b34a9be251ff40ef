import type { AuditDraft, AuditEntry, AuditHead } from "./audit-chain.ts";

/** A key that was made at run time, as it is stored. It holds digests and no text of a key. */
export interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly organisation: string | undefined;
  /** `organisation/project`. */
  readonly project: string | undefined;
  readonly policy: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  /** Id of the key that made it. */
  readonly createdBy: string;
  readonly expiresAtMs: number | undefined;
  readonly revokedAtMs: number | undefined;
  /** To the minute; undefined: not yet. */
  readonly lastUsedAtMs: number | undefined;
  /** The newest first. */
  readonly secrets: readonly KeySecretRow[];
  /** Place in the audit log of its last change: later changes have higher ones, whichever replica made them. */
  readonly revision: number;
}

/** One text of a key by its digest. */
export interface KeySecretRow {
  /** HMAC-SHA-256 with the database's pepper, in hexadecimal. */
  readonly digest: string;
  readonly createdAtMs: number;
  /** Until when it is taken; undefined: as long as the key. */
  readonly validUntilMs: number | undefined;
}

/** What a change of a key writes. */
export type KeyDraft = Omit<KeyRow, "revision" | "lastUsedAtMs">;

/** Keys that are made at run time, shared by all replicas on the database. */
export interface KeyStore {
  /** Rows changed after a revision, in its order; 0: all. Never passes over a change that is committed later. */
  changedSince(revision: number): Promise<readonly KeyRow[]>;
  /**
   * Writes a key together with the audit entry that tells of it, both or neither. Rejects with `CONFLICT` where the
   * stored revision is not `expected` any more; 0: there is none yet.
   */
  save(row: KeyDraft, expected: number, entry: AuditDraft): Promise<{ readonly row: KeyRow; readonly head: AuditHead }>;
  /** Remembers when keys were last used. */
  used(atMs: ReadonlyMap<string, number>): Promise<void>;
  /** A secret of 32 bytes that all replicas on the database share, made when it is first asked for. */
  secret(name: "key-pepper" | "browser-keys"): Promise<Buffer>;
}

/** Which entries of the audit log are asked for; unset: all. */
export interface AuditQuery {
  readonly afterSeq: number;
  readonly limit: number;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly actor?: string | undefined;
  readonly subject?: string | undefined;
  readonly organisation?: string | undefined;
  readonly project?: string | undefined;
}

/** The log of administrative changes: one chain per database, append-only. */
export interface AuditLog {
  /** Appends an entry for a change that is stored elsewhere. */
  append(draft: AuditDraft): Promise<AuditEntry>;
  /** Entries in their order. */
  entries(query: AuditQuery): Promise<readonly AuditEntry[]>;
  /** Where the log says that it ends. */
  head(): Promise<AuditHead>;
}
