import { hash } from "node:crypto";

/** An administrative change before it has its place in the chain. Texts of JSON objects never hold a secret. */
export interface AuditDraft {
  readonly atMs: number;
  /** Id of the key that did it. */
  readonly actor: string;
  /** For example `key.revoke`. */
  readonly action: string;
  /** For example `key:0f1e2d3c4b5a`. */
  readonly subject: string;
  readonly organisation: string | undefined;
  readonly project: string | undefined;
  /** JSON object; empty: it was not there. */
  readonly before: string;
  /** JSON object; empty: it is no longer there. */
  readonly after: string;
  readonly requestId: string;
}

/** An entry of the chain. */
export interface AuditEntry extends AuditDraft {
  /** From 1, without gaps. */
  readonly seq: number;
  readonly previousHash: string;
  readonly hash: string;
}

/** The end of a chain. */
export interface AuditHead {
  /** Number of entries. */
  readonly seq: number;
  /** Of the last one; of an empty chain `NO_HASH`. */
  readonly hash: string;
}

/** What precedes the first entry. */
const NO_HASH = "0".repeat(64);

/** The head of a chain without entries. */
export const EMPTY_HEAD: AuditHead = { seq: 0, hash: NO_HASH };

/** The entry that follows `head`. */
export function chained(head: AuditHead, draft: AuditDraft): AuditEntry {
  const entry = { ...draft, seq: head.seq + 1, previousHash: head.hash };
  return { ...entry, hash: hashOf(entry) };
}

/** SHA-256 in hexadecimal over the previous hash, a line feed, and the other fields as JSON with sorted keys. */
function hashOf(entry: Omit<AuditEntry, "hash">): string {
  const fields: Record<string, string | number> = {
    action: entry.action,
    actor: entry.actor,
    after: entry.after,
    at_ms: entry.atMs,
    before: entry.before,
    organisation: entry.organisation ?? "",
    project: entry.project ?? "",
    request_id: entry.requestId,
    seq: entry.seq,
    subject: entry.subject,
  };
  return hash("sha256", `${entry.previousHash}\n${JSON.stringify(fields)}`);
}

/** What is wrong with a chain. */
export interface ChainProblem {
  /** Place of the first entry that is wrong or missing. */
  readonly seq: number;
  readonly why: string;
}

/** Checks a chain entry by entry, in whatever portions it comes. */
export class ChainCheck {
  readonly #known: AuditHead | undefined;
  #head: AuditHead = EMPTY_HEAD;
  #problem: ChainProblem | undefined;

  /** `known`: a head kept from earlier, which the chain must contain. */
  constructor(known?: AuditHead) {
    this.#known = known;
  }

  /** The end of what was read so far. */
  get head(): AuditHead {
    return this.#head;
  }

  /** Takes the next entries; returns whether all is well so far. */
  take(entries: readonly AuditEntry[]): boolean {
    for (const entry of entries) {
      this.#problem ??= this.#problemOf(entry);
      if (this.#problem) return false;
      this.#head = entry;
    }
    return true;
  }

  /** What is wrong with the chain, once all was taken; undefined: nothing. `stored`: where it says that it ends. */
  end(stored: AuditHead): ChainProblem | undefined {
    if (this.#problem) return this.#problem;
    const { seq, hash: last } = this.#head;
    if (stored.seq !== seq)
      return { seq: Math.min(stored.seq, seq) + 1, why: `the log says it ends at ${stored.seq}, and ends at ${seq}` };
    if (stored.hash !== last) return { seq, why: "the log's own head has another hash than its last entry" };
    if (this.#known && this.#known.seq > seq) {
      return { seq: seq + 1, why: `the known head is at ${this.#known.seq}: entries at the end are missing` };
    }
    return undefined;
  }

  #problemOf(entry: AuditEntry): ChainProblem | undefined {
    const seq = this.#head.seq + 1;
    if (entry.seq !== seq) return { seq, why: `the entry is missing: ${entry.seq} follows ${this.#head.seq}` };
    if (entry.previousHash !== this.#head.hash) return { seq, why: "the entry does not follow from the one before it" };
    if (entry.hash !== hashOf(entry)) return { seq, why: "the entry is not what it was when it was written" };
    const known = this.#known;
    if (known?.seq === seq && known.hash !== entry.hash)
      return { seq, why: "the entry has another hash than the known head" };
    return undefined;
  }
}

/** A head as one word, `SEQ:HASH` with the hash in two halves: logs take longer words for secrets. */
export function headText({ seq, hash: whole }: AuditHead): string {
  return `${seq}:${whole.slice(0, 32)}:${whole.slice(32)}`;
}

/** The head that such a word names, the hash in halves or not; undefined: it is none. */
export function readHead(text: string): AuditHead | undefined {
  const [, seq, one = "", two = ""] = /^(\d{1,15}):([0-9a-f]{32}):?([0-9a-f]{32})$/.exec(text) ?? [];
  return seq === undefined ? undefined : { seq: Number(seq), hash: one + two };
}
