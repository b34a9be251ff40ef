/** Tables of `migrations/0001-ledger.ts` and `migrations/0003-leases.ts`. */
export interface LeaseTables {
  lease: LeaseTableRow;
  lease_generation: LeaseGenerationRow;
  spend_of_replica: SpendOfReplicaRow;
}

/** What a replica holds of a bucket at most. */
export interface LeaseTableRow {
  account: string;
  bucket: number;
  replica: string;
  net_nano_usd: number;
  /** Grows with each write of a replica: an older one that comes late changes nothing. */
  operation: number;
  changed_at_ms: number;
}

/** How often an account's counters were begun anew. */
export interface LeaseGenerationRow {
  account: string;
  generation: number;
}

/** What a replica's journal has charged to a bucket: what its leases come down to. */
export interface SpendOfReplicaRow {
  account: string;
  bucket: number;
  replica: string;
  nano_usd: number;
}
