/** A place where money is counted: an account at a time. */
export interface Bucket {
  readonly account: string;
  /** When, in the account's own steps: see docs/decisions/0011. */
  readonly bucket: number;
}

/** What a purse asks a bank for. Amounts are whole nano-USD below 2^53. */
export interface Draw extends Bucket {
  /** The buckets whose sum the limit holds for, this one among them. */
  readonly window: readonly number[];
  readonly limitNanoUsd: number;
  /** What would be useful, and the least that is of any use. */
  readonly wantedNanoUsd: number;
  readonly leastNanoUsd: number;
}

/** What a bank granted. */
export interface Grant {
  /** 0, or at least what was of use. */
  readonly grantedNanoUsd: number;
  /** What is left for all replicas after it, as far as the bank knows. */
  readonly leftNanoUsd: number;
}

/** Where purses get money. Never grants more, in all, than the limit of a window. */
export interface Bank {
  /**
   * Draws from a bucket. Answers at once where it can. Rejects or throws a `ParleyError` where it cannot tell what is
   * left: then nothing is granted.
   */
  draw(draw: Draw): Grant | Promise<Grant>;
  /** Takes back what a purse does not need, in the background. */
  giveBack(bucket: Bucket, nanoUsd: number): void;
  /** Told of what was spent of a bucket beyond all that was granted: it counts, whatever is left. */
  owe?(bucket: Bucket, nanoUsd: number): void;
  /** Called when others run dry: the listener gives back what it can spare of the account. */
  onWanted(listener: (account: string) => void): void;
}

/** What the ledger's lines have charged to buckets: what a bank that has lost its counters begins with. */
export interface SpendSource {
  /** Spent by bucket, in nano-USD, for the buckets asked for; what is not in it is 0. Includes every line written so far. */
  spent(account: string, buckets: readonly number[]): Promise<ReadonlyMap<number, number>>;
}
