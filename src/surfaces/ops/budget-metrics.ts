import type { Metrics } from "../../observe/metrics.ts";
import type { Budgets } from "../../policy/budgets/budgets.ts";

// So many accounts have series of their own; of all others only the counts below are told.
const MAX_ACCOUNTS = 200;

/** Tells what budgets have, on scrape: of the accounts that were used first, and sums over all. */
export function registerBudgetMetrics(metrics: Metrics, budgets: Budgets): void {
  const limit = metrics.gauge("parley_budget_limit_usd", "Limit of an account of a budget.", ["account"]);
  const spent = metrics.gauge("parley_budget_spent_usd", "Spent in the account's present window.", ["account"]);
  const held = metrics.gauge("parley_budget_held_usd", "Held in the account for attempts that run.", ["account"]);
  let [refusals, overruns] = [0, 0];
  metrics.read("gauge", "parley_budget_accounts", "Accounts of budgets that this process has used.", () => {
    [refusals, overruns] = [0, 0];
    let told = 0;
    for (const account of budgets.accounts.all()) {
      refusals += account.refusals;
      overruns += account.overruns;
      if (told++ >= MAX_ACCOUNTS) continue;
      limit.set(account.rule.limitNanoUsd / 1e9, account.name);
      spent.set(account.spentNanoUsd / 1e9, account.name);
      held.set(account.purse.held / 1e9, account.name);
    }
    return budgets.accounts.size;
  });
  metrics.read("counter", "parley_budget_refusals_total", "Attempts that a budget has refused.", () => refusals);
  metrics.read("counter", "parley_budget_overruns_total", "Attempts billed above what was held.", () => overruns);
  metrics.read("gauge", "parley_budget_holds", "Holds that are neither settled nor released.", () => budgets.open);
  metrics.read("counter", "parley_budget_holds_expired_total", "Holds that nobody settled.", () => budgets.expired);
}
