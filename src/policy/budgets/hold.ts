import type { Listed } from "../../runtime/swap-list.ts";
import type { BudgetAccount } from "./account.ts";
import type { Bucket } from "./bank.ts";
import type { Purse } from "./purse.ts";

/** What one attempt may cost at worst, set aside in each account that it concerns; settled once. */
export class Hold implements Listed {
  place = -1;
  /** Whole nano-USD. */
  readonly nanoUsd: number;
  /** Wall clock in milliseconds after which nobody can be working on the attempt any more. */
  readonly expiresAtMs: number;
  readonly accounts: readonly BudgetAccount[];
  /** Those of the accounts, in their order. */
  readonly purses: readonly Purse[];
  isOpen = true;

  constructor(nanoUsd: number, expiresAtMs: number, accounts: readonly BudgetAccount[], purses: readonly Purse[]) {
    this.nanoUsd = nanoUsd;
    this.expiresAtMs = expiresAtMs;
    this.accounts = accounts;
    this.purses = purses;
  }

  /** The buckets that it is charged to, for the books. */
  get buckets(): readonly Bucket[] {
    return this.purses.map(({ account, bucket }) => ({ account, bucket }));
  }
}

/** Why a hold was not given: this account has not enough left. */
export interface BudgetRefusal {
  readonly account: BudgetAccount;
  /** About the most that could be held now in every account that the attempt concerns, in nano-USD. */
  readonly mostNanoUsd: number;
}
