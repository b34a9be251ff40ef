import { createHmac, timingSafeEqual } from "node:crypto";
import { ParleyError } from "../../errors/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { KeyRow } from "../../store/key-store.ts";
import type { BudgetRule } from "../budgets/budget-rule.ts";
import type { Principal } from "../principal.ts";
import { compilePrincipal, type PolicySource } from "./compile-principal.ts";
import { keyIdOf } from "./key-format.ts";
import { refusal } from "./refusal.ts";
import { ROLES, type Role } from "./roles.ts";

/** How coarsely it is remembered when a key was last used. */
const USE_STEP_MS = 60_000;

interface Secret {
  readonly digest: Buffer;
  readonly validUntilMs: number;
}

interface Entry {
  readonly row: KeyRow;
  readonly secrets: readonly Secret[];
  /** Undefined: what the key may do cannot be told, since the configuration lacks a name. */
  readonly holder: Principal | undefined;
  usedAtMs: number;
}

/** What a made key is as of now. */
export type MadeKeyState = "active" | "expired" | "revoked" | "unusable";

/**
 * The keys that were made at run time, in memory: digests and compiled rights, changed in place when a key changes
 * anywhere. Looking one up awaits nothing.
 */
export class MadeKeys {
  readonly #entries = new Map<string, Entry>();
  readonly #pepper: Buffer;
  readonly #runtime: Pick<Runtime, "nowMs">;
  #source: PolicySource;
  #used = new Map<string, number>();

  constructor(pepper: Buffer, runtime: Pick<Runtime, "nowMs">, source: PolicySource) {
    this.#pepper = pepper;
    this.#runtime = runtime;
    this.#source = source;
  }

  /** The policies and organisations that are in force. */
  get source(): PolicySource {
    return this.#source;
  }

  /** Takes over the policies and organisations of another configuration. */
  useSource(source: PolicySource): void {
    this.#source = source;
    for (const [id, { row, usedAtMs }] of this.#entries) this.#entries.set(id, this.#entryOf(row, usedAtMs));
  }

  /** Takes changed rows over; of two rows of a key the later one stays, in whatever order they come. */
  take(rows: readonly KeyRow[]): void {
    for (const row of rows) {
      const known = this.#entries.get(row.id);
      if (known && known.row.revision >= row.revision) continue;
      this.#entries.set(row.id, this.#entryOf(row, known?.usedAtMs ?? row.lastUsedAtMs ?? 0));
    }
  }

  /** Who holds this text, which has the shape of a made key. Throws `UNAUTHENTICATED`, or `MISCONFIGURED` where its policy is gone. */
  authenticate(text: string): Principal {
    const digest = this.#digestOf(text);
    const entry = this.#entries.get(keyIdOf(text));
    const nowMs = this.#runtime.nowMs();
    const secret = entry?.secrets.find((one) => timingSafeEqual(one.digest, digest));
    if (!entry || !secret) throw refusal("the key is unknown; it may be another gateway's, or have been removed");
    if (secret.validUntilMs <= nowMs) throw refusal("the key was rotated and its overlap is over; use the new one");
    const holder = this.#livingHolder(entry, nowMs);
    this.#use(entry, nowMs);
    return holder;
  }

  /** The holder of a key that may be used now; throws as `authenticate` does. Undefined: there is no such key. */
  holder(id: string): Principal | undefined {
    const entry = this.#entries.get(id);
    return entry && this.#livingHolder(entry, this.#runtime.nowMs());
  }

  /** The digests of a key's texts that are taken now. */
  digests(id: string): readonly Buffer[] {
    const nowMs = this.#runtime.nowMs();
    return (this.#entries.get(id)?.secrets ?? []).filter((one) => one.validUntilMs > nowMs).map(({ digest }) => digest);
  }

  /** Whether there is such a key, whatever its state. */
  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** A key as it was last stored, with its newest use. */
  row(id: string): KeyRow | undefined {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    return entry.usedAtMs === 0 ? entry.row : { ...entry.row, lastUsedAtMs: entry.usedAtMs };
  }

  /** The budgets of all keys whose rights are known. */
  get budgets(): readonly BudgetRule[] {
    return [...this.#entries.values()].flatMap(({ holder }) => holder?.budgets ?? []);
  }

  /** The ids of all keys, sorted. */
  ids(): string[] {
    return [...this.#entries.keys()].toSorted();
  }

  /** What a key is as of now. */
  stateOf(row: KeyRow): MadeKeyState {
    if (row.revokedAtMs !== undefined) return "revoked";
    if (row.expiresAtMs !== undefined && row.expiresAtMs <= this.#runtime.nowMs()) return "expired";
    return this.#entries.get(row.id)?.holder ? "active" : "unusable";
  }

  /** The digest under which a text is stored, in hexadecimal. */
  digest(text: string): string {
    return this.#digestOf(text).toString("hex");
  }

  /** When keys were used since this was last asked, to the minute. */
  takeUses(): ReadonlyMap<string, number> {
    const used = this.#used;
    if (used.size > 0) this.#used = new Map();
    return used;
  }

  #livingHolder({ row, holder }: Entry, nowMs: number): Principal {
    if (row.revokedAtMs !== undefined) throw refusal("the key was revoked");
    if (row.expiresAtMs !== undefined && row.expiresAtMs <= nowMs) throw refusal("the key has expired");
    if (holder) return holder;
    throw new ParleyError(
      "MISCONFIGURED",
      `Cannot use the key ${row.id}: the configuration lacks the policy, organisation or project that it names; put it back, or change the key`,
    );
  }

  #use(entry: Entry, nowMs: number): void {
    if (nowMs - entry.usedAtMs < USE_STEP_MS) return;
    entry.usedAtMs = nowMs - (nowMs % USE_STEP_MS);
    this.#used.set(entry.row.id, entry.usedAtMs);
  }

  #entryOf(row: KeyRow, usedAtMs: number): Entry {
    return {
      row,
      usedAtMs,
      holder: this.#compile(row),
      secrets: row.secrets.map(({ digest, validUntilMs = Infinity }) => ({
        digest: Buffer.from(digest, "hex"),
        validUntilMs,
      })),
    };
  }

  #compile(row: KeyRow): Principal | undefined {
    if (!Object.hasOwn(ROLES, row.role)) return undefined;
    try {
      return compilePrincipal({ ...row, keyId: row.id, role: row.role as Role }, this.#source);
    } catch (thrown) {
      if (thrown instanceof ParleyError) return undefined;
      throw thrown;
    }
  }

  #digestOf(text: string): Buffer {
    return createHmac("sha256", this.#pepper).update(text).digest();
  }
}
