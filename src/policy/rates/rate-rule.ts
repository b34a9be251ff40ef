import type { Holder } from "../holder.ts";

/** Whose a limit is: a holder's policy's, or a provider's over all callers. */
export type RateHolder = Holder | { readonly kind: "provider"; readonly id: string };

/** One limit on how fast a holder's requests may come, compiled from its policy. */
export interface RateRule {
  readonly holder: RateHolder;
  /** Whose it is and what it says, for people. */
  readonly text: string;
  /** Stable name of what is counted together, for example `key:k1|requests/60s|models=…`. */
  readonly account: string;
  readonly kind: "requests" | "tokens" | "concurrency";
  readonly limit: number;
  /** Length of the window in milliseconds; 0 for concurrency. */
  readonly windowMs: number;
  /** Whether attempts at a target (`provider/model`) count; undefined: every request does. */
  readonly countsModel: ((target: string) => boolean) | undefined;
}
