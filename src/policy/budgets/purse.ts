import type { Bucket } from "./bank.ts";

/** What this process may still spend of one bucket: granted - held - spent, in nano-USD. */
export class Purse implements Bucket {
  readonly account: string;
  readonly bucket: number;
  /** Drawn from the bank, less what was given back. */
  granted = 0;
  /** Set aside for attempts that run. */
  held = 0;
  /** Settled. Above what was granted only where a provider has billed more than its own worst case. */
  spent = 0;
  /** Whether its time is over: it takes no more holds, and gives back what those that run leave. */
  retired = false;
  /** What those ask for who wait for a draw. */
  waited = 0;
  /** The draw that is under way. Its result is the least that the bank refused, or undefined. */
  drawing: Promise<number | undefined> | undefined;
  /** What the bank had left for everybody when it last answered; before that nobody knows. */
  left = Infinity;
  /** Below this it draws ahead, so that nobody has to wait; 0: the bank has nothing left. */
  lowWater = 0;

  constructor(account: string, bucket: number) {
    this.account = account;
    this.bucket = bucket;
  }

  /** What may be set aside now; below 0 after an overrun that nothing was left for. */
  get available(): number {
    return this.granted - this.held - this.spent;
  }
}
