import fc from "fast-check";
import { expect, test } from "vitest";
import { VirtualRuntime } from "../../runtime/virtual.ts";
import type { BudgetAccount } from "./account.ts";
import type { Bank } from "./bank.ts";
import type { Budgets } from "./budgets.ts";
import { budget, budgetsOver, rulesOf, SharedBank, type SpendBook } from "./budgets.fixture.ts";
import { windowBuckets } from "./calendar.ts";
import { Hold } from "./hold.ts";

// Whatever happens in whatever order, no window ever holds and spends more than its limit, and what the accounts count is
// what a plain list of charges adds up to.

const HOUR_MS = 3_600_000;
const LIMITS = [1_000, 600, 350] as const;
const budgetsOfKey = [
  budget(LIMITS[0]),
  budget(LIMITS[1], { window: { kind: "rolling", hours: 3 } }),
  budget(LIMITS[2], { window: { kind: "calendar_hour", timezone: "Asia/Kolkata" }, models: ["p/dear*"] }),
];

interface Model {
  /** Charges as a plain list. */
  readonly book: SpendBook;
}

class Real {
  readonly rules = rulesOf(...budgetsOfKey);
  readonly runtime = new VirtualRuntime({ startMs: Date.parse("2026-11-20T22:40:00Z") });
  readonly budgets: Budgets;
  readonly book: SpendBook;
  readonly shared: SharedBank | undefined;
  readonly holds: Hold[] = [];
  readonly waiting = new Set<Promise<void>>();

  constructor(isShared: boolean) {
    this.shared = isShared ? new SharedBank() : undefined;
    const bank: { bank?: Bank } = this.shared ? { bank: this.shared } : {};
    ({ budgets: this.budgets, book: this.book } = budgetsOver({ runtime: this.runtime, ...bank }));
  }

  take(nanoUsd: number, target: string, expiresInMs: number): void {
    const accounts = this.budgets.accounts.concerned(this.rules, target, {});
    const taken = this.budgets.take(accounts, nanoUsd, this.runtime.nowMs() + expiresInMs);
    if (!(taken instanceof Promise)) return this.#keep(taken, nanoUsd);
    const waiting: Promise<void> = taken
      .then((one) => this.#keep(one, nanoUsd))
      .catch(() => {})
      .finally(() => this.waiting.delete(waiting));
    this.waiting.add(waiting);
  }

  #keep(taken: unknown, nanoUsd: number): void {
    if (!(taken instanceof Hold)) return;
    expect(taken.nanoUsd).toBe(nanoUsd);
    this.holds.push(taken);
  }

  /** The window of every moment up to now, as far as it may matter. */
  check(): void {
    for (const account of this.budgets.accounts.all()) {
      const { limitNanoUsd, window } = account.rule;
      for (const bucket of this.#bucketsOf(account)) {
        const buckets = windowBuckets(window, bucket);
        const held = this.holds
          .filter((one) => one.isOpen && one.buckets.some((at) => isIn(at, account.name, buckets)))
          .reduce((sum, one) => sum + one.nanoUsd, 0);
        const spent = this.book.sum(account.name, buckets);
        expect(held + spent).toBeLessThanOrEqual(limitNanoUsd);
        if (this.shared) {
          expect(this.shared.sum(account.name, buckets)).toBeLessThanOrEqual(limitNanoUsd);
          expect(this.shared.sum(account.name, buckets)).toBeGreaterThanOrEqual(held + spent);
        }
      }
      const { purse } = account.purse.drawing ? account : { purse: account.purseAt(this.runtime.nowMs()) };
      expect(purse.available).toBeGreaterThanOrEqual(0);
      expect(account.spentNanoUsd).toBe(this.book.sum(account.name, account.window));
    }
  }

  #bucketsOf(account: BudgetAccount): Set<number> {
    const held = this.holds.flatMap((one) => one.buckets);
    const all = [...held, ...this.book.charges].filter((one) => one.account === account.name);
    return new Set([...all.map(({ bucket }) => bucket), account.purse.bucket]);
  }
}

function isIn(at: { account: string; bucket: number }, account: string, buckets: readonly number[]): boolean {
  return at.account === account && buckets.includes(at.bucket);
}

type Command = fc.AsyncCommand<Model, Real>;

/** A command that may always run; the invariants hold after it. */
function command(label: string, run: (real: Real) => void | Promise<void>): Command {
  return {
    check: () => true,
    async run(_model, real) {
      await run(real);
      await new Promise((resolve) => setImmediate(resolve));
      real.check();
    },
    toString: () => label,
  };
}

const amount = fc.integer({ min: 1, max: 400 });
const place = fc.nat({ max: 30 });
const share = fc.integer({ min: 0, max: 100 });
const at = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];

const alone = [
  fc
    .tuple(amount, fc.constantFrom("p/dear-1", "p/cheap"), fc.constantFrom(HOUR_MS / 2, 20 * HOUR_MS))
    .map(([nanoUsd, target, ms]) =>
      command(`take ${nanoUsd} at ${target} for ${ms}`, (real) => real.take(nanoUsd, target, ms)),
    ),
  fc.tuple(place, share).map(([index, percent]) =>
    // Twice: the second one must change nothing, whatever it says.
    command(`settle ${index} at ${percent} %`, ({ holds, budgets }) => {
      const hold = at(holds, index);
      if (!hold) return;
      const wasOpen = hold.isOpen;
      expect(budgets.settle(hold, Math.floor((hold.nanoUsd * percent) / 100))).toBe(wasOpen);
      expect(budgets.settle(hold, hold.nanoUsd)).toBe(false);
    }),
  ),
  place.map((index) =>
    command(`abort ${index}`, ({ holds, budgets }) => {
      const hold = at(holds, index);
      const wasOpen = hold?.isOpen;
      if (hold) expect(budgets.release(hold)).toBe(wasOpen);
    }),
  ),
  place.map((index) =>
    command(`retry ${index}: a further attempt has a hold of its own`, (real) => {
      const hold = at(real.holds, index);
      if (hold) real.take(hold.nanoUsd, "p/cheap", HOUR_MS);
    }),
  ),
  fc.integer({ min: 1, max: 5 * HOUR_MS }).map((ms) => command(`wait ${ms} ms`, ({ runtime }) => runtime.advance(ms))),
  fc.constant(command("expire", ({ budgets }) => budgets.sweep())),
];

const shared = [
  ...alone,
  fc
    .tuple(fc.nat({ max: 3 }), fc.constantFrom("granted", "granted", "lost", "unavailable"))
    .map(([index, how]) =>
      command(`answer ${index}: ${how}`, ({ shared: bank }) =>
        bank?.answer(index % Math.max(1, bank.pending.length), how),
      ),
    ),
  fc.constant(
    command("others want some", ({ shared: bank, budgets }) => {
      for (const { name } of budgets.accounts.all()) bank?.wanted?.(name);
    }),
  ),
];

async function play(commands: Iterable<Command>, isShared: boolean): Promise<void> {
  const real = new Real(isShared);
  await fc.asyncModelRun(() => ({ model: { book: real.book }, real }), commands);
  for (const hold of real.holds) real.budgets.settle(hold, hold.nanoUsd);
  while (real.waiting.size > 0) {
    real.shared?.answer(0);
    await new Promise((resolve) => setImmediate(resolve));
    for (const hold of real.holds) real.budgets.settle(hold, 0);
  }
  real.check();
  expect(real.budgets.open).toBe(0);
  if (isShared) return;
  // Nothing is stranded: all that the books have not spent can be held.
  for (const account of real.budgets.accounts.all()) {
    const left = account.rule.limitNanoUsd - real.book.sum(account.name, account.window);
    const taken = await real.budgets.take([account], left, Infinity);
    expect(taken).toBeInstanceOf(Hold);
  }
}

test("alone: held + spent stays within the limit at every step, and the counter is the ledger's", async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(alone, { maxCommands: 60 }), (commands) => play(commands, false)),
    { numRuns: 150 },
  );
});

test("with a bank that answers late, loses answers or is away the same holds", async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(shared, { maxCommands: 80 }), (commands) => play(commands, true)),
    { numRuns: 150 },
  );
});
