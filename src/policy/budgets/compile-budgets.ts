import { compileGlobs } from "../glob.ts";
import type { Holder } from "../holder.ts";
import type { BudgetRule } from "./budget-rule.ts";
import type { BudgetWindow } from "./window.ts";

/** A budget as a policy states it, whoever holds it. */
export interface PolicyBudget {
  /** Whole nano-USD, below 2^53. */
  readonly limitNanoUsd: number;
  readonly window: BudgetWindow;
  /** Patterns over `provider/model`; undefined: every model counts. */
  readonly models: readonly string[] | undefined;
  readonly tag: string | undefined;
  /** Shares of the limit, from 0 to 1, whose passing is told. */
  readonly alertShares: readonly number[];
}

/** The budgets of a policy, made ready for one of its holders. To be called once per holder: rules are known by identity. */
export function compileBudgets(holder: Holder, budgets: readonly PolicyBudget[]): BudgetRule[] {
  return budgets.map(({ models, ...budget }) => ({
    ...budget,
    holder,
    account: accountName(holder, { models, ...budget }),
    countsModel: models && !models.includes("*") ? compileGlobs(models) : undefined,
  }));
}

function accountName({ kind, id }: Holder, { window, models, tag }: PolicyBudget): string {
  const words = [`${kind}:${id}`, windowName(window)];
  if (models && !models.includes("*")) words.push(`models=${[...new Set(models)].sort().join(",")}`);
  if (tag !== undefined) words.push(`tag=${tag}`);
  return words.join("|");
}

/** A window in a word: `calendar_day@UTC`, `rolling_24h`. */
export function windowName(window: BudgetWindow): string {
  return window.kind === "rolling" ? `rolling_${window.hours}h` : `${window.kind}@${window.timezone}`;
}
