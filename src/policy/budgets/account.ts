import { spanAt, windowBuckets, type BucketSpan } from "./calendar.ts";
import type { BudgetRule } from "./budget-rule.ts";
import { Purse } from "./purse.ts";

/** One ceiling of one holder (and one value of a tag), and what this process knows of it. */
export class BudgetAccount {
  readonly name: string;
  /** Value of the tag that it is for; undefined: the budget has no tag, or the requests have no value of it. */
  readonly tagValue: string | undefined;
  /** As of the latest request. */
  rule: BudgetRule;
  /** Sum of its window as far as this process knows: what the books had when it was first used, and its own since. */
  spentNanoUsd = 0;
  /** Resolves when it knows what the books had, as far as they could be read. */
  ready: Promise<void> = Promise.resolve();
  /** How often it has refused a hold, and how often a provider billed more than was held. */
  refusals = 0;
  overruns = 0;
  /** Alerts that were told of the present bucket: shares of the limit, `exhausted`, `burn_rate`. */
  readonly told = new Set<string>();
  readonly #retire: (purse: Purse) => void;
  // Rolling windows sum up their hours; of the others there is one bucket only.
  readonly #spent = new Map<number, number>();
  #span: BucketSpan;
  #purse: Purse;

  /** `retire` is told of a purse whose time is over. */
  constructor(
    name: string,
    tagValue: string | undefined,
    rule: BudgetRule,
    nowMs: number,
    retire: (purse: Purse) => void,
  ) {
    this.name = name;
    this.tagValue = tagValue;
    this.rule = rule;
    this.#retire = retire;
    this.#span = spanAt(rule.window, nowMs);
    this.#purse = new Purse(name, this.#span.bucket);
  }

  /** The purse of the present bucket. A clock that goes back changes nothing: time that was let go stays so. */
  purseAt(nowMs: number): Purse {
    if (nowMs >= this.#span.endMs) this.#roll(nowMs);
    return this.#purse;
  }

  /** The present purse, whatever the time. */
  get purse(): Purse {
    return this.#purse;
  }

  /** When the present window ends, or a rolling one lets go of its oldest hour; wall clock in milliseconds. */
  get resetsAtMs(): number {
    return this.#span.endMs;
  }

  /** The buckets whose sum the limit holds for now. */
  get window(): readonly number[] {
    return windowBuckets(this.rule.window, this.#span.bucket);
  }

  /** An amount was charged to one of its buckets. */
  charged(bucket: number, nanoUsd: number): void {
    if (nanoUsd === 0) return;
    this.#spent.set(bucket, (this.#spent.get(bucket) ?? 0) + nanoUsd);
    if (bucket >= this.#oldest && bucket <= this.#span.bucket) this.spentNanoUsd += nanoUsd;
  }

  get #oldest(): number {
    const { window } = this.rule;
    return window.kind === "rolling" ? this.#span.bucket - window.hours + 1 : this.#span.bucket;
  }

  #roll(nowMs: number): void {
    const before = this.#purse;
    this.#span = spanAt(this.rule.window, nowMs);
    this.#purse = new Purse(this.name, this.#span.bucket);
    before.retired = true;
    this.#retire(before);
    for (const bucket of this.#spent.keys()) if (bucket < this.#oldest) this.#spent.delete(bucket);
    this.spentNanoUsd = [...this.#spent.values()].reduce((sum, one) => sum + one, 0);
    // A rolling window moves on a little: what was told of it stands until it has moved on as a whole.
    if (this.rule.window.kind !== "rolling" || this.spentNanoUsd === 0) this.told.clear();
  }
}
