import { expect, test } from "vitest";
import { BudgetAlerts, type BudgetAlert } from "./alerts.ts";
import { budget, budgetsOver, given, rulesOf, take } from "./budgets.fixture.ts";

function watched(alertShares: readonly number[], burnRate?: { factor: number; overMs: number }) {
  const { budgets, runtime } = budgetsOver();
  const alerts = new BudgetAlerts(runtime, burnRate);
  const told: string[] = [];
  alerts.subscribe(({ kind, figure }: BudgetAlert) => void told.push(`${kind} ${figure.toFixed(2)}`));
  budgets.listen(alerts);
  const rules = rulesOf(budget(1_000, { alertShares }));
  return {
    told,
    runtime,
    spend: async (nanoUsd: number) => budgets.settle(given(await take(budgets, rules, nanoUsd)), nanoUsd),
    ask: (nanoUsd: number) => take(budgets, rules, nanoUsd),
  };
}

test("each share of the limit is told once when it is passed, and again in the next window", async () => {
  const { told, spend, runtime } = watched([0.5, 0.9]);
  for (let index = 0; index < 10; index++) await spend(100);
  expect(told).toEqual(["threshold 0.50", "threshold 0.90"]);
  await runtime.advance(24 * 3_600_000);
  await spend(600);
  expect(told).toEqual(["threshold 0.50", "threshold 0.90", "threshold 0.50"]);
});

test("the first refusal of a window is told", async () => {
  const { told, spend, ask } = watched([]);
  await spend(950);
  await ask(100);
  await ask(100);
  expect(told).toEqual(["exhausted 0.95"]);
});

test("money that goes too fast is told, money that goes evenly is not", async () => {
  const { told, spend, runtime } = watched([], { factor: 3, overMs: 3_600_000 });
  // An even rate spends 41 an hour.
  for (let hour = 0; hour < 5; hour++) {
    await spend(100);
    await runtime.advance(3_600_000);
  }
  expect(told).toEqual([]);
  await spend(100);
  await runtime.advance(600_000);
  await spend(60);
  expect(told).toEqual(["burn_rate 3.84"]);
});
