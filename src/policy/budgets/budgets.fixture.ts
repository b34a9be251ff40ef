import { ParleyError } from "../../errors/index.ts";
import { VirtualRuntime } from "../../runtime/virtual.ts";
import type { Bank, Bucket, Draw, Grant, SpendSource } from "./bank.ts";
import { Budgets } from "./budgets.ts";
import type { BudgetRule } from "./budget-rule.ts";
import { compileBudgets, type PolicyBudget } from "./compile-budgets.ts";
import { Hold, type BudgetRefusal } from "./hold.ts";
import { LocalBank } from "./local-bank.ts";

/** Books that begin empty and remember what is charged. */
export class SpendBook implements SpendSource {
  readonly charges: { account: string; bucket: number; nanoUsd: number }[] = [];

  spent(account: string, buckets: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return Promise.resolve(new Map(buckets.map((bucket) => [bucket, this.sum(account, [bucket])])));
  }

  sum(account: string, buckets: readonly number[]): number {
    return this.charges
      .filter((one) => one.account === account && buckets.includes(one.bucket))
      .reduce((sum, one) => sum + one.nanoUsd, 0);
  }
}

/** A budget of a policy that says only what matters. */
export function budget(limitNanoUsd: number, more: Partial<PolicyBudget> = {}): PolicyBudget {
  const window = { kind: "calendar_day", timezone: "UTC" } as const;
  return { limitNanoUsd, window, models: undefined, tag: undefined, alertShares: [], ...more };
}

/** Rules of a key named `k`. */
export function rulesOf(...budgets: readonly PolicyBudget[]): BudgetRule[] {
  return compileBudgets({ kind: "key", id: "k" }, budgets);
}

/** Budgets in virtual time over the bank of a process alone, or the given one. */
export function budgetsOver(more: { bank?: Bank; runtime?: VirtualRuntime; book?: SpendBook } = {}) {
  const runtime = more.runtime ?? new VirtualRuntime({ startMs: Date.parse("2026-11-20T12:00:00Z") });
  const book = more.book ?? new SpendBook();
  const budgets = new Budgets({
    runtime,
    bank: more.bank ?? new LocalBank(book),
    source: book,
    onCharged: (account, bucket, nanoUsd) => void book.charges.push({ account, bucket, nanoUsd }),
  });
  return { budgets, runtime, book };
}

/** Takes a hold of an hour. */
export async function take(budgets: Budgets, rules: readonly BudgetRule[], nanoUsd: number, more = {}) {
  const {
    target = "p/m",
    tags = {},
    expiresAtMs = Infinity,
  } = more as Partial<{
    target: string;
    tags: Record<string, string>;
    expiresAtMs: number;
  }>;
  return budgets.take(budgets.accounts.concerned(rules, target, tags), nanoUsd, expiresAtMs);
}

/** The hold, where it was given. */
export function given(taken: Hold | BudgetRefusal): Hold {
  if (taken instanceof Hold) return taken;
  throw new Error(`${taken.account.name} has not enough left`);
}

/** A draw that a shared bank has been asked for and has not answered. */
interface PendingDraw {
  readonly draw: Draw;
  readonly resolve: (grant: Grant) => void;
  readonly reject: (error: unknown) => void;
}

/** A bank behind a network: it answers when it is told to, late, or never, and others draw from it too. */
export class SharedBank implements Bank {
  readonly granted = new Map<string, Map<number, number>>();
  readonly pending: PendingDraw[] = [];
  draws = 0;
  wanted: ((account: string) => void) | undefined;

  draw(draw: Draw): Promise<Grant> {
    this.draws += 1;
    return new Promise((resolve, reject) => this.pending.push({ draw, resolve, reject }));
  }

  giveBack({ account, bucket }: Bucket, nanoUsd: number): void {
    this.#add(account, bucket, -nanoUsd);
  }

  owe({ account, bucket }: Bucket, nanoUsd: number): void {
    this.#add(account, bucket, nanoUsd);
  }

  onWanted(listener: (account: string) => void): void {
    this.wanted = listener;
  }

  /** Answers the draw at a place of the queue. `lost`: the money is drawn, and the answer does not arrive. */
  answer(place: number, how: "granted" | "lost" | "unavailable" = "granted"): void {
    const [one] = this.pending.splice(place, 1);
    if (!one) return;
    if (how === "unavailable") return one.reject(unavailable());
    const grant = this.#grant(one.draw);
    if (how === "lost") one.reject(unavailable());
    else one.resolve(grant);
  }

  /** Sum of what is granted of some buckets. */
  sum(account: string, buckets: readonly number[]): number {
    return buckets.reduce((sum, bucket) => sum + (this.granted.get(account)?.get(bucket) ?? 0), 0);
  }

  #grant({ account, bucket, window, limitNanoUsd, wantedNanoUsd, leastNanoUsd }: Draw): Grant {
    const left = limitNanoUsd - this.sum(account, window);
    if (left < leastNanoUsd) return { grantedNanoUsd: 0, leftNanoUsd: Math.max(0, left) };
    const grantedNanoUsd = Math.min(left, wantedNanoUsd);
    this.#add(account, bucket, grantedNanoUsd);
    return { grantedNanoUsd, leftNanoUsd: left - grantedNanoUsd };
  }

  #add(account: string, bucket: number, nanoUsd: number): void {
    const granted = this.granted.get(account) ?? new Map<number, number>();
    this.granted.set(account, granted.set(bucket, (granted.get(bucket) ?? 0) + nanoUsd));
  }
}

function unavailable(): ParleyError {
  return new ParleyError("GATEWAY_OVERLOADED", "Cannot draw from the budget: its store does not answer");
}
