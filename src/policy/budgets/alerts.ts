import type { Runtime } from "../../runtime/runtime.ts";
import type { BudgetAccount } from "./account.ts";
import type { BudgetListener } from "./budgets.ts";

/** Something about a budget that its holder or an operator should know. */
export interface BudgetAlert {
  readonly id: string;
  /** Wall clock in milliseconds. */
  readonly atMs: number;
  /**
   * `threshold`: a share of the limit is spent. `exhausted`: a hold was refused. `burn_rate`: money goes so fast that the
   * limit will not last.
   */
  readonly kind: "threshold" | "exhausted" | "burn_rate";
  readonly account: BudgetAccount;
  readonly spentNanoUsd: number;
  /** The share that was passed, or the factor above an even rate. */
  readonly figure: number;
}

/** When money goes too fast: more than `factor` times what an even rate would spend, over `overMs`. */
export interface BurnRate {
  readonly factor: number;
  readonly overMs: number;
}

const SLICES = 12;
const DAY_MS = 86_400_000;
const WINDOW_MS = {
  calendar_hour: DAY_MS / 24,
  calendar_day: DAY_MS,
  calendar_week: 7 * DAY_MS,
  calendar_month: 30 * DAY_MS,
} as const;

/** Tells each alert once for each window of an account. What was spent before this process began is not told again. */
export class BudgetAlerts implements BudgetListener {
  readonly #runtime: Runtime;
  readonly #burnRate: BurnRate | undefined;
  readonly #burnt = new WeakMap<BudgetAccount, Burnt>();
  readonly #subscribers = new Set<(alert: BudgetAlert) => void>();

  constructor(runtime: Runtime, burnRate: BurnRate | undefined) {
    this.#runtime = runtime;
    this.#burnRate = burnRate;
  }

  /** Calls `subscriber` with each alert from now on, until the function that it returns is called. */
  subscribe(subscriber: (alert: BudgetAlert) => void): () => void {
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }

  charged(account: BudgetAccount, nanoUsd: number): void {
    const { limitNanoUsd, alertShares } = account.rule;
    const { spentNanoUsd } = account;
    for (const share of alertShares) {
      const threshold = share * limitNanoUsd;
      if (spentNanoUsd < threshold || spentNanoUsd - nanoUsd >= threshold) continue;
      this.#tell(account, "threshold", share, `share ${share}`);
    }
    if (this.#burnRate && nanoUsd > 0) this.#burn(account, nanoUsd, this.#burnRate);
  }

  refused(account: BudgetAccount): void {
    if (account.told.has("exhausted")) return;
    const { limitNanoUsd } = account.rule;
    this.#tell(account, "exhausted", account.spentNanoUsd / limitNanoUsd, "exhausted");
  }

  #burn(account: BudgetAccount, nanoUsd: number, { factor, overMs }: BurnRate): void {
    let burnt = this.#burnt.get(account);
    if (!burnt) this.#burnt.set(account, (burnt = new Burnt(overMs / SLICES)));
    const sum = burnt.add(this.#runtime.nowMs(), nanoUsd);
    const { window, limitNanoUsd } = account.rule;
    const windowMs = window.kind === "rolling" ? window.hours * WINDOW_MS.calendar_hour : WINDOW_MS[window.kind];
    const even = limitNanoUsd * Math.min(1, overMs / windowMs);
    if (sum <= factor * even) return;
    this.#tell(account, "burn_rate", sum / even, "burn_rate");
  }

  #tell(account: BudgetAccount, kind: BudgetAlert["kind"], figure: number, once: string): void {
    if (account.told.has(once)) return;
    account.told.add(once);
    const { spentNanoUsd } = account;
    const alert = {
      id: this.#runtime.newId("alert"),
      atMs: this.#runtime.nowMs(),
      kind,
      account,
      spentNanoUsd,
      figure,
    };
    for (const subscriber of this.#subscribers) subscriber(alert);
  }
}

/** What was spent of late, in slices of time. */
class Burnt {
  readonly #sliceMs: number;
  readonly #slices = new Float64Array(SLICES);
  #latest = 0;

  constructor(sliceMs: number) {
    this.#sliceMs = sliceMs;
  }

  add(nowMs: number, nanoUsd: number): number {
    const slice = Math.floor(nowMs / this.#sliceMs);
    if (slice - this.#latest >= SLICES) this.#slices.fill(0);
    else for (let at = this.#latest + 1; at <= slice; at++) this.#slices[at % SLICES] = 0;
    this.#latest = Math.max(slice, this.#latest);
    this.#slices[this.#latest % SLICES]! += nanoUsd;
    return this.#slices.reduce((sum, one) => sum + one, 0);
  }
}
