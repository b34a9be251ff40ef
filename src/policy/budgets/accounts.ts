import { BudgetAccount } from "./account.ts";
import type { BudgetRule } from "./budget-rule.ts";
import type { Purse } from "./purse.ts";

/** Most values of one budget's tag that have an account of their own; all others share one. */
const MAX_TAG_VALUES = 10_000;

/** What the registry needs of the budgets around it. */
export interface AccountPorts {
  readonly nowMs: () => number;
  /** A purse's time is over. */
  readonly retire: (purse: Purse) => void;
  /** An account is used for the first time. */
  readonly opened: (account: BudgetAccount) => void;
  /** An account's limit is another one than before. */
  readonly limited: (account: BudgetAccount) => void;
}

/** The accounts that this process has used, by name: they outlive reloads, and several holders may share one. */
export class BudgetAccounts {
  readonly #ports: AccountPorts;
  readonly #byName = new Map<string, BudgetAccount>();
  // Rules live as long as the keys of a configuration: their accounts are found without putting a name together.
  readonly #byRule = new WeakMap<BudgetRule, Map<string | undefined, BudgetAccount>>();

  constructor(ports: AccountPorts) {
    this.#ports = ports;
  }

  /** All of them, in the order in which they were first used. */
  all(): Iterable<BudgetAccount> {
    return this.#byName.values();
  }

  /** Number of accounts. */
  get size(): number {
    return this.#byName.size;
  }

  /** The accounts that an attempt at `target` (`provider/model`) with these tags concerns. */
  concerned(
    rules: readonly BudgetRule[],
    target: string,
    tags: Readonly<Record<string, string>>,
  ): readonly BudgetAccount[] {
    const found: BudgetAccount[] = [];
    for (const rule of rules) {
      if (rule.countsModel && !rule.countsModel(target)) continue;
      const account = this.of(
        rule,
        rule.tag === undefined || !Object.hasOwn(tags, rule.tag) ? undefined : tags[rule.tag],
      );
      // Two holders' rules never have one account: then it would be asked twice for the same money.
      if (!found.includes(account)) found.push(account);
    }
    return found;
  }

  /** The account of a rule and a value of its tag; undefined: of requests without one. */
  of(rule: BudgetRule, tagValue: string | undefined): BudgetAccount {
    let known = this.#byRule.get(rule);
    if (!known) this.#byRule.set(rule, (known = new Map<string | undefined, BudgetAccount>()));
    const account = known.get(tagValue) ?? this.#find(rule, tagValue, known);
    if (account.rule !== rule) this.#adopt(account, rule);
    return account;
  }

  #find(rule: BudgetRule, tagValue: string | undefined, known: Map<string | undefined, BudgetAccount>): BudgetAccount {
    if (known.size >= MAX_TAG_VALUES) this.#forgetIdle(known);
    const value = known.size >= MAX_TAG_VALUES ? "*" : tagValue;
    const name = value === undefined ? rule.account : `${rule.account}:${value}`;
    let account = this.#byName.get(name);
    if (!account) {
      account = new BudgetAccount(name, value, rule, this.#ports.nowMs(), this.#ports.retire);
      this.#byName.set(name, account);
      this.#ports.opened(account);
    }
    if (value === tagValue) known.set(tagValue, account);
    return account;
  }

  #adopt(account: BudgetAccount, rule: BudgetRule): void {
    const isOther = account.rule.limitNanoUsd !== rule.limitNanoUsd;
    account.rule = rule;
    if (isOther) this.#ports.limited(account);
  }

  /** Forgets values of a tag whose window holds nothing: another request with one begins with the same. */
  #forgetIdle(known: Map<string | undefined, BudgetAccount>): void {
    const nowMs = this.#ports.nowMs();
    for (const [value, account] of known) {
      const purse = account.purseAt(nowMs);
      if (purse.held > 0 || purse.drawing || account.spentNanoUsd > 0) continue;
      purse.retired = true;
      this.#ports.retire(purse);
      known.delete(value);
      this.#byName.delete(account.name);
    }
  }
}
