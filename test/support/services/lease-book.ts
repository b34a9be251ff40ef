import type { LeaseBook, LeaseRow } from "../../../src/store/lease-book.ts";

/** A lease book that lives as long as a test, and checks what a bank promises about it. */
export class TestLeaseBook implements LeaseBook {
  readonly #rows = new Map<string, LeaseRow & { readonly operation: number }>();
  readonly #generations = new Map<string, number>();
  /** How often it was written. */
  writes = 0;
  /** How often an account was counted anew. */
  generations = 0;

  async set(row: LeaseRow, operation: number): Promise<number> {
    await turn();
    this.writes += 1;
    const key = `${row.account} ${row.bucket} ${row.replica}`;
    if ((this.#rows.get(key)?.operation ?? 0) < operation) this.#rows.set(key, { ...row, operation });
    return this.#generationOf(row.account);
  }

  async beginGeneration(account: string, buckets: readonly number[]) {
    await turn();
    this.generations += 1;
    const generation = this.#generationOf(account) + 1;
    this.#generations.set(account, generation);
    const rows: LeaseRow[] = [...this.#rows.values()].filter(
      (row) => row.account === account && buckets.includes(row.bucket),
    );
    for (const [replica, netNanoUsd] of this.before) {
      if (rows.some((row) => row.replica === replica)) continue;
      for (const bucket of buckets) rows.push({ account, bucket, replica, netNanoUsd });
    }
    await turn();
    return { generation, rows };
  }

  /** What replicas have spent before they had leases. */
  readonly before = new Map<string, number>();

  async spentBefore(_account: string, _bucket: number, replica: string): Promise<number> {
    await turn();
    return this.before.get(replica) ?? 0;
  }

  async ofReplica(replica: string): Promise<readonly LeaseRow[]> {
    await turn();
    return [...this.#rows.values()].filter((row) => row.replica === replica);
  }

  /** What all replicas have leased of an account, in nano-USD. */
  total(account: string): number {
    let total = 0;
    for (const row of this.#rows.values()) if (row.account === account) total += row.netNanoUsd;
    return total;
  }

  #generationOf(account: string): number {
    return this.#generations.get(account) ?? 1;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
