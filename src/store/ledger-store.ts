import type {
  LedgerAttemptRow,
  LedgerCompensationRow,
  LedgerEventRow,
  ProjectorRow,
  SpendRow,
} from "./sql/tables-ledger.ts";

/** What is known of the requests that a batch of records is about, as of the transaction that takes it in. */
export interface KnownRows {
  /** How far the replica's journal has been taken in; undefined: not at all. */
  readonly position: ProjectorRow | undefined;
  readonly attempts: readonly LedgerAttemptRow[];
  readonly compensations: readonly Pick<LedgerCompensationRow, "request_id" | "attempt" | "compensation_id">[];
}

/** What a batch of records makes of it. */
export interface LedgerChanges {
  readonly position: ProjectorRow;
  readonly events: readonly LedgerEventRow[];
  /** Whole rows, new and changed. */
  readonly attempts: readonly LedgerAttemptRow[];
  readonly compensations: readonly LedgerCompensationRow[];
  /** What is added to buckets. */
  readonly spend: readonly SpendRow[];
}

/** The tables that a replica's journal is projected to. Rejects with a `ParleyError` while the database is away. */
export interface LedgerStore {
  position(replica: string): Promise<ProjectorRow | undefined>;
  /** Takes a batch in as one transaction, all or nothing: `fold` is told what is known and says what becomes of it. */
  update(replica: string, requestIds: readonly string[], fold: (known: KnownRows) => LedgerChanges): Promise<void>;
  /** Resolves when what was taken in survives the loss of power. */
  sync(): Promise<void>;
  /** What was charged to these buckets of an account; a bucket that is not in it has nothing. */
  spent(account: string, buckets: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** The part of it that one replica's journal has charged. */
  spentBy(replica: string, account: string, buckets: readonly number[]): Promise<ReadonlyMap<number, number>>;
}
