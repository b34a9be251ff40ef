import { randomBytes } from "node:crypto";
import { ParleyError } from "../errors/index.ts";
import { chained, EMPTY_HEAD, type AuditDraft, type AuditEntry, type AuditHead } from "./audit-chain.ts";
import type { AuditLog, AuditQuery, KeyDraft, KeyRow, KeyStore } from "./key-store.ts";

/** Keys and audit log in memory, for tests of what stands above a database. */
export class MemoryIdentityStore implements KeyStore, AuditLog {
  readonly rows = new Map<string, KeyRow>();
  readonly log: AuditEntry[] = [];
  readonly #secrets = new Map<string, Buffer>();
  /** Set: every call fails with it, as a database that is away. */
  failure: Error | undefined;

  async changedSince(revision: number): Promise<readonly KeyRow[]> {
    this.#check();
    return [...this.rows.values()]
      .filter((row) => row.revision > revision)
      .toSorted((one, other) => one.revision - other.revision);
  }

  async save(draft: KeyDraft, expected: number, audit: AuditDraft): Promise<{ row: KeyRow; head: AuditHead }> {
    this.#check();
    const before = this.rows.get(draft.id);
    if ((before?.revision ?? 0) !== expected)
      throw new ParleyError("CONFLICT", "Cannot change the key: it has changed");
    const entry = await this.append(audit);
    const row = { ...draft, lastUsedAtMs: before?.lastUsedAtMs, revision: entry.seq };
    this.rows.set(row.id, row);
    return { row, head: entry };
  }

  async used(atMs: ReadonlyMap<string, number>): Promise<void> {
    this.#check();
    for (const [id, lastUsedAtMs] of atMs) {
      const row = this.rows.get(id);
      if (row) this.rows.set(id, { ...row, lastUsedAtMs });
    }
  }

  async secret(name: string): Promise<Buffer> {
    const secret = this.#secrets.get(name) ?? randomBytes(32);
    this.#secrets.set(name, secret);
    return secret;
  }

  async append(draft: AuditDraft): Promise<AuditEntry> {
    this.#check();
    const entry = chained(this.log.at(-1) ?? EMPTY_HEAD, draft);
    this.log.push(entry);
    return entry;
  }

  async entries({ afterSeq, limit, ...filter }: AuditQuery): Promise<readonly AuditEntry[]> {
    const fits = (entry: AuditEntry): boolean =>
      entry.seq > afterSeq &&
      (filter.actor ?? entry.actor) === entry.actor &&
      (filter.subject ?? entry.subject) === entry.subject &&
      (filter.organisation ?? entry.organisation) === entry.organisation &&
      (filter.project ?? entry.project) === entry.project &&
      entry.atMs >= (filter.fromMs ?? 0) &&
      entry.atMs < (filter.toMs ?? Infinity);
    return this.log.filter(fits).slice(0, limit);
  }

  async head(): Promise<AuditHead> {
    return this.log.at(-1) ?? EMPTY_HEAD;
  }

  #check(): void {
    if (this.failure) throw this.failure;
  }
}
