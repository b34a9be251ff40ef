import { expect, test } from "vitest";
import { HedgeBudget } from "./hedge-budget.ts";

test("HedgeBudget never lets more than the percentage of a route's requests be hedged, from the first one on", () => {
  const budget = new HedgeBudget();
  const settings = { after: 800, maxPercent: 7 };
  let hedged = 0;
  for (let requests = 1; requests <= 1_000; requests++) {
    budget.countRequest(settings);
    if (budget.take(settings)) hedged += 1;
    expect(hedged).toBe(Math.floor(requests * 0.07 + 1e-9));
  }
});

test("HedgeBudget saves ten at most, and routes share nothing", () => {
  const budget = new HedgeBudget();
  const [busy, other] = [
    { after: 800, maxPercent: 50 },
    { after: 800, maxPercent: 50 },
  ];
  for (let requests = 0; requests < 1_000; requests++) budget.countRequest(busy);
  expect(budget.take(other)).toBe(false);
  let hedged = 0;
  while (budget.take(busy)) hedged += 1;
  expect(hedged).toBe(10);
});
