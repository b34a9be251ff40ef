// What budgets cost a request: node bench/budgets.ts [REQUESTS]
// Each attempt finds its accounts, takes its hold and settles it, in the turn in which it was asked. Median of batches, in
// microseconds per attempt.
import { create } from "@bufbuild/protobuf";
import { ChatRequestSchema, Role, textPart } from "../src/contract/index.ts";
import { Budgets } from "../src/policy/budgets/budgets.ts";
import type { BudgetRule } from "../src/policy/budgets/budget-rule.ts";
import { compileBudgets, type PolicyBudget } from "../src/policy/budgets/compile-budgets.ts";
import { Hold } from "../src/policy/budgets/hold.ts";
import { LocalBank } from "../src/policy/budgets/local-bank.ts";
import { requestTokens, worstCostNanoUsd } from "../src/routing/cost.ts";
import type { Target } from "../src/routing/target.ts";
import { unboundedCost } from "../src/routing/worst-case.ts";
import { realRuntime } from "../src/runtime/real.ts";
import { median } from "./statistics.ts";

/** How long holding and settling may take, median, in microseconds. */
const LIMIT_US = 3;
const BATCH = 100;
const CONCURRENT = 32;

const runtime = realRuntime();
const attempts = Number(process.argv[2] ?? 200_000);
const source = { spent: () => Promise.resolve(new Map<number, number>()) };
const budgets = new Budgets({ runtime, bank: new LocalBank(source), source });

const day: PolicyBudget = {
  limitNanoUsd: 8_000_000_000_000_000,
  window: { kind: "calendar_day", timezone: "Europe/Berlin" },
  models: undefined,
  tag: undefined,
  alertShares: [0.5],
};
const rolling: PolicyBudget = { ...day, window: { kind: "rolling", hours: 24 } };
const policies: ReadonlyMap<string, readonly BudgetRule[]> = new Map([
  ["no budget", []],
  ["one budget", compileBudgets({ kind: "key", id: "one" }, [day])],
  ["two budgets", compileBudgets({ kind: "key", id: "two" }, [day, rolling])],
  [
    "two budgets, by model and by tag",
    compileBudgets({ kind: "key", id: "four" }, [
      { ...day, models: ["openai/gpt-5*"] },
      { ...rolling, tag: "team" },
    ]),
  ],
]);

const target: Target = {
  name: "openai/gpt-5-mini",
  provider: "openai",
  model: "gpt-5-mini",
  region: undefined,
  facts: {
    capabilities: {},
    quirks: [],
    maxOutputTokens: 16_384,
    prices: {
      version: "bench",
      entries: [
        { unit: "input", nanoUsd: 250_000_000 },
        { unit: "output", nanoUsd: 2_000_000_000 },
      ],
    },
  },
};
const request = create(ChatRequestSchema, {
  model: target.name,
  messages: [{ role: Role.USER, parts: [textPart("How much does it cost to count? ".repeat(20))] }],
  tags: { team: "core" },
});

/** One attempt's way to its hold; the worst case is worked out too where there is a budget. */
function holdOne(rules: readonly BudgetRule[]): Hold | undefined {
  if (rules.length === 0 || unboundedCost(request, target) !== undefined) return undefined;
  const accounts = budgets.accounts.concerned(rules, target.name, request.tags);
  const worst = worstCostNanoUsd(target, requestTokens(request, { likely: 200, upperBound: 800 }));
  const taken = budgets.take(accounts, Number(worst), runtime.nowMs() + 900_000);
  return taken instanceof Hold ? taken : undefined;
}

for (const [name, rules] of policies) {
  // The first attempt asks for the books.
  await budgets.take(budgets.accounts.concerned(rules, target.name, request.tags), 1, Infinity);
  const taken: number[] = [];
  const open: (Hold | undefined)[] = [];
  for (let done = 0; done < attempts; done += BATCH) {
    const startedMs = runtime.monotonicMs();
    for (let index = 0; index < BATCH; index++) {
      open.push(holdOne(rules));
      const settled = open.length > CONCURRENT ? open.shift() : undefined;
      if (settled) budgets.settle(settled, Math.floor(settled.nanoUsd / 3));
    }
    taken.push(((runtime.monotonicMs() - startedMs) * 1_000) / BATCH);
  }
  // The first tenth runs before the code is compiled.
  const us = median(taken.slice(taken.length / 10)) ?? Number.NaN;
  const verdict = us < LIMIT_US ? "met" : "MISSED";
  console.log(`${name.padEnd(34)} ${us.toFixed(2).padStart(6)} us, target under ${LIMIT_US}: ${verdict}`);
}
