/** What a replica holds of a bucket, in nano-USD: as intended before it draws, as granted after. */
export interface LeaseRow {
  readonly account: string;
  readonly bucket: number;
  /** Id of the replica's data folder, which a restart keeps. */
  readonly replica: string;
  readonly netNanoUsd: number;
}

/** The leases of some buckets, and the generation that whoever counts them afterwards has to name. */
export interface LeaseReading {
  readonly generation: number;
  readonly rows: readonly LeaseRow[];
}

/**
 * The durable truth about leases, from which a bank that has lost its counters is rebuilt. An account's generation fences
 * counters that were left behind: a `set` either is in the reading that began a generation, or answers with it.
 */
export interface LeaseBook {
  /**
   * Sets what a replica will hold at most. Durable when it resolves, with the account's generation. `operation` grows with
   * each call of a replica, over all its lives: a write that comes after a later one changes nothing.
   */
  set(row: LeaseRow, operation: number): Promise<number>;
  /**
   * Begins a new generation of the account, then reads all leases of these buckets; where a replica has spent more than
   * it leased, what it spent.
   */
  beginGeneration(account: string, buckets: readonly number[]): Promise<LeaseReading>;
  /** What a replica has spent of a bucket without a lease: before it had others beside it. */
  spentBefore(account: string, bucket: number, replica: string): Promise<number>;
  /** All leases of a replica, for a start on its folder. */
  ofReplica(replica: string): Promise<readonly LeaseRow[]>;
}
