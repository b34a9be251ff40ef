import type { Cost } from "../contract/index.ts";
import { readLedger } from "./reader.ts";
import type { HoldRecord } from "./records.ts";

/** What the journal's lines have charged to the buckets of budgets, in nano-USD: read once at start, then told. */
export class JournalSpend {
  readonly #spent = new Map<string, Map<number, number>>();

  /** Spent by bucket, for the buckets asked for. */
  spent(account: string, buckets: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const known = this.#spent.get(account);
    const found = new Map<number, number>();
    for (const bucket of buckets) {
      const nanoUsd = known?.get(bucket);
      if (nanoUsd !== undefined) found.set(bucket, nanoUsd);
    }
    return Promise.resolve(found);
  }

  /** An amount is charged to a bucket. */
  charge(account: string, bucket: number, nanoUsd: number): void {
    let buckets = this.#spent.get(account);
    if (!buckets) this.#spent.set(account, (buckets = new Map<number, number>()));
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + nanoUsd);
  }
}

/** Reads all lines of a journal whose orphans are closed. An attempt without a known cost is charged at what was held. */
export async function readSpend(folder: string): Promise<JournalSpend> {
  const spend = new JournalSpend();
  const holds = new Map<string, HoldRecord>();
  for await (const { record } of readLedger(folder)) {
    if (record.kind === "request_ended") continue;
    const id = `${record.requestId} ${record.attempt}`;
    if (record.kind === "forwarded") {
      if (record.hold) holds.set(id, record.hold);
      continue;
    }
    const hold = holds.get(id);
    if (!hold || !holds.delete(id)) continue;
    for (const { account, bucket } of hold.buckets) spend.charge(account, bucket, chargedNanoUsd(hold, record.cost));
  }
  return spend;
}

/** What an attempt that has ended is charged at. */
function chargedNanoUsd(hold: HoldRecord, cost: Cost | undefined): number {
  return cost?.nanoUsd === undefined ? hold.nanoUsd : Number(cost.nanoUsd);
}
