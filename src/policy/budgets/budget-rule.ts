import type { Holder } from "../holder.ts";
import type { BudgetWindow } from "./window.ts";

/** One ceiling over what a holder's requests may cost in a window, compiled from its policy. */
export interface BudgetRule {
  readonly holder: Holder;
  /** Name of the account, without the value of a tag: see docs/decisions/0011. */
  readonly account: string;
  /** Whole nano-USD, below 2^53. */
  readonly limitNanoUsd: number;
  readonly window: BudgetWindow;
  /** Whether attempts at a target (`provider/model`) count; undefined: all do. */
  readonly countsModel: ((target: string) => boolean) | undefined;
  /** The tag that has an account for each of its values; undefined: one account for all. */
  readonly tag: string | undefined;
  /** Shares of the limit, from 0 to 1, whose passing is told. */
  readonly alertShares: readonly number[];
}
