/** What a replica holds of a bucket, in nano-USD: as intended before it draws, as granted after. */
export interface LeaseRow {
  readonly account: string;
  readonly bucket: number;
  /** Id of the replica's data folder, which a restart keeps. */
  readonly replica: string;
  readonly netNanoUsd: number;
}

/** The durable truth about leases, from which a bank that has lost its counters is rebuilt. */
export interface LeaseBook {
  /** Sets what a replica will hold at most. Durable when it resolves. */
  set(row: LeaseRow): Promise<void>;
  /** All leases of an account in these buckets. */
  leases(account: string, buckets: readonly number[]): Promise<readonly LeaseRow[]>;
  /** All leases of a replica, for a start on its folder. */
  ofReplica(replica: string): Promise<readonly LeaseRow[]>;
}
