import type { Holder } from "../holder.ts";

/** One limit on how fast a holder's requests may come, compiled from its policy. */
export interface RateRule {
  readonly holder: Holder;
  /** Stable name of what is counted together, for example `key:k1|requests/60s|models=…`. */
  readonly account: string;
  readonly kind: "requests" | "tokens" | "concurrency";
  readonly limit: number;
  /** Length of the window in milliseconds; 0 for concurrency. */
  readonly windowMs: number;
  /** Whether attempts at a target (`provider/model`) count; undefined: every request does. */
  readonly countsModel: ((target: string) => boolean) | undefined;
}
