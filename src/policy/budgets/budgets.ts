import type { Runtime } from "../../runtime/runtime.ts";
import { SwapList } from "../../runtime/swap-list.ts";
import { BudgetAccounts } from "./accounts.ts";
import type { BudgetAccount } from "./account.ts";
import type { Bank, Bucket, Grant, SpendSource } from "./bank.ts";
import { Hold, type BudgetRefusal } from "./hold.ts";
import type { Purse } from "./purse.ts";

/** Hears what happens to accounts, for alerts and metrics. */
export interface BudgetListener {
  /** An amount was charged to an account. */
  charged(account: BudgetAccount, nanoUsd: number): void;
  /** A hold was refused, since this account has not enough left. */
  refused(account: BudgetAccount): void;
}

/** What budgets need of the gateway around them. */
export interface BudgetsOptions {
  readonly runtime: Runtime;
  readonly bank: Bank;
  /** What the books have of an account when it is first used, to tell its state. */
  readonly source: SpendSource;
  /** Told of what is charged to each bucket, as the books have it. */
  readonly onCharged?: (account: string, bucket: number, nanoUsd: number) => void;
}

// How many attempts like the one that waits a draw asks for, so that those after it need not wait; never more than the
// given share of the limit, so that one process does not empty a fleet's account.
const AHEAD_ATTEMPTS = 64;
const AHEAD_SHARE_OF_LIMIT = 1 / 16;
// A draw ahead begins when so much of the last one is left.
const LOW_WATER = 1 / 4;
const SWEEP_EVERY_MS = 60_000;

/** The purses of this process: holds are taken from them in the same turn, and they draw from the bank when they run dry. */
export class Budgets {
  readonly accounts: BudgetAccounts;
  /** Holds that nobody settled before they expired. */
  expired = 0;
  readonly #runtime: Runtime;
  readonly #bank: Bank;
  readonly #source: SpendSource;
  readonly #onCharged: NonNullable<BudgetsOptions["onCharged"]>;
  readonly #listeners: BudgetListener[] = [];
  readonly #live = new SwapList<Hold>();
  #sweepAtMs = 0;

  constructor({ runtime, bank, source, onCharged = () => {} }: BudgetsOptions) {
    this.#runtime = runtime;
    this.#bank = bank;
    this.#source = source;
    this.#onCharged = onCharged;
    this.accounts = new BudgetAccounts({
      nowMs: () => runtime.nowMs(),
      retire: (purse) => this.#giveBackAll(purse),
      opened: (account) => void (account.ready = this.#readBooks(account)),
      limited: ({ purse }) => {
        this.#giveBackAll(purse);
        purse.lowWater = 0;
      },
    });
    bank.onWanted((account) => {
      for (const one of this.accounts.all())
        if (one.name === account && one.purse.waited === 0) this.#giveBackAll(one.purse);
    });
  }

  /** Number of holds that are neither settled nor released. */
  get open(): number {
    return this.#live.size;
  }

  /** Tells `listener` of everything from now on. */
  listen(listener: BudgetListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Sets an amount aside in all of the accounts, or in none. At once where their purses have it; a promise only where one
   * must draw and the bank does not answer at once. Throws or rejects with the bank's `ParleyError` where it cannot tell
   * what is left.
   */
  take(
    accounts: readonly BudgetAccount[],
    nanoUsd: number,
    expiresAtMs: number,
  ): Hold | BudgetRefusal | Promise<Hold | BudgetRefusal> {
    const nowMs = this.#runtime.nowMs();
    if (nowMs >= this.#sweepAtMs) this.sweep();
    for (;;) {
      const short = shortOf(accounts, nanoUsd, nowMs);
      if (!short) return this.#hold(accounts, nanoUsd, expiresAtMs, nowMs);
      const purse = short.purseAt(nowMs);
      const refused = this.#draw(short, purse, nanoUsd);
      if (refused instanceof Promise) return this.#takeLater(accounts, nanoUsd, expiresAtMs, short, purse, refused);
      if (refused !== undefined && nanoUsd > purse.available) return this.#refuse(accounts, short, nowMs);
    }
  }

  /**
   * Settles a hold with what its attempt has cost, which may be more than was held. Returns false, and does nothing, for
   * a hold that is settled or released.
   */
  settle(hold: Hold, costNanoUsd: number): boolean {
    if (!this.#close(hold, costNanoUsd)) return false;
    for (const [index, account] of hold.accounts.entries()) {
      const { bucket } = hold.purses[index]!;
      if (costNanoUsd > hold.nanoUsd) account.overruns += 1;
      account.charged(bucket, costNanoUsd);
      this.#onCharged(account.name, bucket, costNanoUsd);
      for (const listener of this.#listeners) listener.charged(account, costNanoUsd);
    }
    return true;
  }

  /** Gives a hold back of which nothing was sent. Returns false, and does nothing, for one that is settled or released. */
  release(hold: Hold): boolean {
    return this.#close(hold, 0);
  }

  /**
   * The books were corrected: an attempt that is settled has cost so much more, or less, in this bucket. What it cost less in
   * a bucket whose time is over stays counted until this process starts again.
   */
  correct({ account: name, bucket }: Bucket, nanoUsd: number): void {
    for (const account of this.accounts.all()) {
      if (account.name !== name) continue;
      account.charged(bucket, nanoUsd);
      if (account.purse.bucket !== bucket) continue;
      account.purse.spent += nanoUsd;
      if (account.purse.available < 0) this.#owe(account.purse);
      return;
    }
    if (nanoUsd > 0) this.#bank.owe?.({ account: name, bucket }, nanoUsd);
  }

  /** Charges holds that have expired at what they hold. */
  sweep(): void {
    const nowMs = this.#runtime.nowMs();
    this.#sweepAtMs = nowMs + SWEEP_EVERY_MS;
    for (const hold of this.#live.items()) {
      if (hold.expiresAtMs <= nowMs && this.settle(hold, hold.nanoUsd)) this.expired += 1;
    }
  }

  /** Gives everything back that is not held: this process ends. */
  close(): void {
    for (const account of this.accounts.all()) this.#giveBackAll(account.purse);
  }

  #hold(accounts: readonly BudgetAccount[], nanoUsd: number, expiresAtMs: number, nowMs: number): Hold {
    const purses = accounts.map((account) => account.purseAt(nowMs));
    const hold = new Hold(nanoUsd, expiresAtMs, accounts, purses);
    for (const [index, purse] of purses.entries()) {
      purse.held += nanoUsd;
      if (purse.available < purse.lowWater && !purse.drawing) this.#drawAhead(accounts[index]!, purse, nanoUsd);
    }
    this.#live.add(hold);
    return hold;
  }

  #close(hold: Hold, costNanoUsd: number): boolean {
    if (!hold.isOpen) return false;
    hold.isOpen = false;
    this.#live.delete(hold);
    for (const purse of hold.purses) {
      purse.held -= hold.nanoUsd;
      purse.spent += costNanoUsd;
      if (purse.available < 0) this.#owe(purse);
      else if (purse.retired) this.#giveBackAll(purse);
    }
    return true;
  }

  #owe(purse: Purse): void {
    // A bank that cannot be told leaves the debt with the purse, whose next draw pays it.
    if (!this.#bank.owe) return;
    const nanoUsd = -purse.available;
    purse.granted += nanoUsd;
    this.#bank.owe(purse, nanoUsd);
  }

  #giveBackAll(purse: Purse): void {
    const nanoUsd = purse.available;
    if (nanoUsd <= 0) return;
    purse.granted -= nanoUsd;
    this.#bank.giveBack(purse, nanoUsd);
  }

  /** Draws what is short. The result is the least that the bank refused, or undefined: look again. */
  #draw(account: BudgetAccount, purse: Purse, nanoUsd: number): number | undefined | Promise<number | undefined> {
    if (purse.drawing) return purse.drawing;
    const leastNanoUsd = nanoUsd - purse.available;
    const { limitNanoUsd } = account.rule;
    const ahead = Math.min(AHEAD_ATTEMPTS * nanoUsd, Math.floor(limitNanoUsd * AHEAD_SHARE_OF_LIMIT));
    const wantedNanoUsd = Math.max(leastNanoUsd, purse.waited - purse.available, ahead);
    const { window } = account;
    const answer = this.#bank.draw({
      account: purse.account,
      bucket: purse.bucket,
      window,
      limitNanoUsd,
      wantedNanoUsd,
      leastNanoUsd,
    });
    if (!(answer instanceof Promise)) return this.#granted(purse, answer, leastNanoUsd);
    purse.drawing = answer
      .finally(() => (purse.drawing = undefined))
      .then((grant) => this.#granted(purse, grant, leastNanoUsd));
    return purse.drawing;
  }

  #granted(purse: Purse, { grantedNanoUsd, leftNanoUsd }: Grant, leastNanoUsd: number): number | undefined {
    purse.granted += grantedNanoUsd;
    purse.left = leftNanoUsd;
    // Nothing is drawn ahead of what is not there.
    purse.lowWater = leftNanoUsd > 0 ? Math.floor(grantedNanoUsd * LOW_WATER) : 0;
    if (purse.retired) this.#giveBackAll(purse);
    return grantedNanoUsd < leastNanoUsd ? leastNanoUsd : undefined;
  }

  #drawAhead(account: BudgetAccount, purse: Purse, nanoUsd: number): void {
    // What cannot be had now is asked for by whoever needs it: the error is told there.
    const ahead = Math.max(1, purse.lowWater) + Math.max(0, purse.available);
    try {
      const drawn = this.#draw(account, purse, Math.max(nanoUsd, ahead));
      if (drawn instanceof Promise) drawn.catch(() => {});
    } catch {
      // The same.
    }
  }

  async #takeLater(
    accounts: readonly BudgetAccount[],
    nanoUsd: number,
    expiresAtMs: number,
    short: BudgetAccount,
    purse: Purse,
    drawing: Promise<number | undefined>,
  ): Promise<Hold | BudgetRefusal> {
    purse.waited += nanoUsd;
    let refused: number | undefined;
    try {
      refused = await drawing;
    } finally {
      purse.waited -= nanoUsd;
    }
    const nowMs = this.#runtime.nowMs();
    // Who joined the draw of another is refused by it only where they need as much; else they ask themselves.
    if (refused !== undefined && nanoUsd - purse.available >= refused && short.purseAt(nowMs) === purse) {
      return this.#refuse(accounts, short, nowMs);
    }
    return this.take(accounts, nanoUsd, expiresAtMs);
  }

  #refuse(accounts: readonly BudgetAccount[], account: BudgetAccount, nowMs: number): BudgetRefusal {
    account.refusals += 1;
    for (const listener of this.#listeners) listener.refused(account);
    const mosts = accounts.map((one) => one.purseAt(nowMs)).map((purse) => purse.available + purse.left);
    const mostNanoUsd = Math.min(...mosts);
    return { account, mostNanoUsd: Math.max(0, mostNanoUsd) };
  }

  async #readBooks(account: BudgetAccount): Promise<void> {
    try {
      const spent = await this.#source.spent(account.name, account.window);
      for (const [bucket, nanoUsd] of spent) account.charged(bucket, nanoUsd);
    } catch {
      // The bank asks the same books before anything is spent, and tells of it.
    }
  }
}

/** The first account whose purse has less than this. */
function shortOf(accounts: readonly BudgetAccount[], nanoUsd: number, nowMs: number): BudgetAccount | undefined {
  for (const account of accounts) if (account.purseAt(nowMs).available < nanoUsd) return account;
  return undefined;
}
