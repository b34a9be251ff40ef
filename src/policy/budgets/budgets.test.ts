import { describe, expect, test } from "vitest";
import { budget, budgetsOver, given, rulesOf, SharedBank, SpendBook, take } from "./budgets.fixture.ts";
import { Hold } from "./hold.ts";

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("holds", () => {
  test("are taken from every account or from none", async () => {
    const { budgets } = budgetsOver();
    const rules = rulesOf(budget(100), budget(50, { window: { kind: "rolling", hours: 2 } }));
    expect(await take(budgets, rules, 51)).toMatchObject({ mostNanoUsd: 50 });
    const accounts = budgets.accounts.concerned(rules, "p/m", {});
    expect(accounts.map(({ purse }) => purse.held)).toEqual([0, 0]);
    given(await take(budgets, rules, 50));
    expect(accounts.map(({ purse }) => purse.held)).toEqual([50, 50]);
  });

  test("are given in the same turn once the books are known", async () => {
    const { budgets } = budgetsOver();
    const accounts = budgets.accounts.concerned(rulesOf(budget(100)), "p/m", {});
    await budgets.take(accounts, 10, Infinity);
    expect(budgets.take(accounts, 10, Infinity)).toBeInstanceOf(Hold);
    expect(budgets.take(accounts, 100, Infinity)).toMatchObject({ mostNanoUsd: 80 });
  });

  test("begin with what the books have", async () => {
    const book = new SpendBook();
    const rules = rulesOf(budget(100));
    book.charges.push({ account: rules[0]!.account, bucket: Date.parse("2026-11-20T00:00:00Z") / 1000, nanoUsd: 70 });
    const { budgets } = budgetsOver({ book });
    expect(await take(budgets, rules, 31)).toMatchObject({ mostNanoUsd: 30 });
    const hold = given(await take(budgets, rules, 30));
    expect(hold.accounts[0]!.spentNanoUsd).toBe(70);
  });

  test("are settled once, below, at or above what was held", async () => {
    const { budgets, book } = budgetsOver();
    const rules = rulesOf(budget(100));
    const [below, above] = [given(await take(budgets, rules, 30)), given(await take(budgets, rules, 30))];
    expect([budgets.settle(below, 10), budgets.settle(below, 10), budgets.release(below)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(budgets.settle(above, 35)).toBe(true);
    const account = above.accounts[0]!;
    expect(account).toMatchObject({ overruns: 1, spentNanoUsd: 45 });
    expect(book.charges.map(({ nanoUsd }) => nanoUsd)).toEqual([10, 35]);
    expect(account.purse.available).toBe(55);
    expect(budgets.open).toBe(0);
  });

  test("leave room by what a correction of the books says", async () => {
    const { budgets } = budgetsOver();
    const rules = rulesOf(budget(100));
    const hold = given(await take(budgets, rules, 40));
    budgets.settle(hold, 40);
    const [{ purse, name }] = hold.accounts as [(typeof hold.accounts)[0]];
    budgets.correct({ account: name, bucket: purse.bucket }, -10);
    expect([purse.available, hold.accounts[0]!.spentNanoUsd]).toEqual([70, 30]);
    budgets.correct({ account: name, bucket: purse.bucket }, 65);
    expect([purse.available, hold.accounts[0]!.spentNanoUsd]).toEqual([5, 95]);
    expect(await take(budgets, rules, 6)).toMatchObject({ mostNanoUsd: 5 });
    // Beyond all that there is: nothing is given until the window is over.
    budgets.correct({ account: name, bucket: purse.bucket }, 50);
    expect(await take(budgets, rules, 1)).toMatchObject({ mostNanoUsd: 0 });
  });

  test("an overrun beyond all that is left counts, and nothing is given any more", async () => {
    const { budgets } = budgetsOver();
    const rules = rulesOf(budget(100, { window: { kind: "rolling", hours: 3 } }));
    budgets.settle(given(await take(budgets, rules, 100)), 150);
    expect(await take(budgets, rules, 1)).toMatchObject({ mostNanoUsd: 0 });
  });

  test("that expire are charged at what they hold, and a late settling is ignored", async () => {
    const { budgets, runtime, book } = budgetsOver();
    const hold = given(await take(budgets, rulesOf(budget(100)), 40, { expiresAtMs: runtime.nowMs() + 1_000 }));
    await runtime.advance(1_000);
    budgets.sweep();
    expect(budgets.settle(hold, 5)).toBe(false);
    expect(book.charges).toMatchObject([{ nanoUsd: 40 }]);
    expect(budgets.expired).toBe(1);
  });

  test("of which nothing was sent cost nothing", async () => {
    const { budgets, book } = budgetsOver();
    const rules = rulesOf(budget(100));
    budgets.release(given(await take(budgets, rules, 100)));
    given(await take(budgets, rules, 100));
    expect(book.charges).toEqual([]);
  });
});

describe("accounts", () => {
  test("count the models of their budget only", async () => {
    const { budgets } = budgetsOver();
    const rules = rulesOf(budget(10, { models: ["openai/gpt-5*"] }), budget(100));
    expect(await take(budgets, rules, 20, { target: "openai/gpt-5-mini" })).toMatchObject({ mostNanoUsd: 10 });
    expect(given(await take(budgets, rules, 20, { target: "openai/o3" })).purses).toHaveLength(1);
  });

  test("each value of a tag has one, and so have requests without the tag", async () => {
    const { budgets } = budgetsOver();
    const rules = rulesOf(budget(10, { tag: "team" }));
    const names = [];
    for (const tags of [{ team: "core" }, { team: "web" }, { other: "x" }, { team: "" }]) {
      const hold = given(await take(budgets, rules, 10, { tags }));
      names.push(hold.buckets[0]!.account);
      expect(await take(budgets, rules, 1, { tags })).not.toBeInstanceOf(Hold);
    }
    const name = "key:k|calendar_day@UTC|tag=team";
    expect(names).toEqual([`${name}:core`, `${name}:web`, name, `${name}:`]);
  });

  test("no more than 10,000 values of a tag have one: the others share", async () => {
    const { budgets } = budgetsOver();
    const rules = rulesOf(budget(10, { tag: "team" }));
    for (let index = 0; index < 10_000; index++) await take(budgets, rules, 1, { tags: { team: `t${index}` } });
    const late = given(await take(budgets, rules, 6, { tags: { team: "late" } }));
    expect(late.buckets[0]!.account).toBe("key:k|calendar_day@UTC|tag=team:*");
    expect(await take(budgets, rules, 6, { tags: { team: "later" } })).not.toBeInstanceOf(Hold);
  });

  test("a limit that is lowered holds from the next request on", async () => {
    const { budgets } = budgetsOver();
    budgets.settle(given(await take(budgets, rulesOf(budget(100)), 40)), 40);
    const lowered = rulesOf(budget(50));
    expect(await take(budgets, lowered, 11)).toMatchObject({ mostNanoUsd: 10 });
    given(await take(budgets, lowered, 10));
    given(await take(budgets, rulesOf(budget(100)), 50));
  });

  test("money is charged to the window in which its hold was taken", async () => {
    const { budgets, runtime } = budgetsOver();
    const rules = rulesOf(budget(100));
    const hold = given(await take(budgets, rules, 60));
    await runtime.advance(12 * 3_600_000);
    given(await take(budgets, rules, 100));
    budgets.settle(hold, 60);
    expect(hold.accounts[0]!.spentNanoUsd).toBe(0);
  });
});

describe("a shared bank", () => {
  test("is asked once for all who wait, and refuses only whom it has not enough for", async () => {
    const bank = new SharedBank();
    const { budgets } = budgetsOver({ bank });
    const rules = rulesOf(budget(100));
    const asked = [60, 60, 30, 10].map((nanoUsd) => take(budgets, rules, nanoUsd));
    await settled();
    expect(bank.pending).toHaveLength(1);
    while (bank.pending.length > 0) {
      bank.answer(0);
      await settled();
    }
    const got = (await Promise.all(asked)).map((one) => one instanceof Hold);
    expect(got).toEqual([true, false, true, true]);
  });

  test("that cannot tell what is left fails those who wait, and gives nothing", async () => {
    const bank = new SharedBank();
    const { budgets } = budgetsOver({ bank });
    const rules = rulesOf(budget(100));
    const asked = Promise.allSettled([1, 2].map((nanoUsd) => take(budgets, rules, nanoUsd)));
    await settled();
    bank.answer(0, "unavailable");
    expect((await asked).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(budgets.open).toBe(0);
  });

  test("is drawn from ahead of need, and gets back what others want", async () => {
    const bank = new SharedBank();
    const { budgets } = budgetsOver({ bank });
    const rules = rulesOf(budget(16_000));
    const accounts = budgets.accounts.concerned(rules, "p/m", {});
    const first = take(budgets, rules, 100);
    await settled();
    bank.answer(0);
    await first;
    let warm = 0;
    while (bank.pending.length === 0) if (budgets.take(accounts, 100, Infinity) instanceof Hold) warm += 1;
    expect(warm).toBeGreaterThan(5);
    // The draw is under way, and the purse still has something.
    expect(budgets.take(accounts, 100, Infinity)).toBeInstanceOf(Hold);
    bank.answer(0);
    await settled();
    bank.wanted?.(accounts[0]!.name);
    expect(bank.sum(accounts[0]!.name, accounts[0]!.window)).toBe(accounts[0]!.purse.held);
  });
});
