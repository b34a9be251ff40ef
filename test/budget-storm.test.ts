import { expect, test } from "vitest";
import { Role, textPart } from "../src/contract/index.ts";
import type { BudgetRule } from "../src/policy/budgets/budget-rule.ts";
import { compileBudgets } from "../src/policy/budgets/compile-budgets.ts";
import { VirtualRuntime } from "../src/runtime/virtual.ts";
import { InProcessGateway } from "./support/in-process/pipeline.ts";
import { SandboxUpstream } from "./support/in-process/sandbox-upstream.ts";

// 1,000 callers at once on one key against one process: nothing is spent beyond the ceiling, and hardly anything of it is
// left unused. The naive way beside it looks at what was spent before it calls, and adds afterwards.

const CALLERS = 1_000;
const MODEL = "sandbox/story@tokens=32";
const OUTPUT_LIMIT = 32;

const ask = (index: number) => ({
  model: MODEL,
  messages: [{ role: Role.USER, parts: [textPart(`Tell me story number ${index}`)] }],
  sampling: { maxOutputTokens: OUTPUT_LIMIT },
});

interface Storm {
  readonly spentNanoUsd: number;
  readonly completed: number;
  readonly refused: number;
}

/** Has all callers ask again and again until each was refused. */
async function storm(limitNanoUsd: number, isNaive: boolean): Promise<Storm> {
  const runtime = new VirtualRuntime();
  const window = { kind: "calendar_month", timezone: "UTC" } as const;
  const budget = { limitNanoUsd, window, models: undefined, tag: undefined, alertShares: [] };
  const budgets: BudgetRule[] = isNaive ? [] : compileBudgets({ kind: "key", id: "k" }, [budget]);
  const gateway = new InProcessGateway(runtime, new SandboxUpstream(runtime), [], undefined, undefined, { budgets });
  let [completed, refused] = [0, 0];
  const caller = async (index: number): Promise<void> => {
    for (;;) {
      if (isNaive && gateway.spentNanoUsd >= limitNanoUsd) break;
      const told = await gateway.ask(ask(index), false);
      expect(told.defects).toEqual([]);
      if (told.end === "BUDGET_EXCEEDED") break;
      expect(told.end).toBe("completed");
      completed += 1;
    }
    refused += 1;
  };
  const callers = Array.from({ length: CALLERS }, (_, index) => caller(index));
  while (refused < CALLERS) await runtime.advance(1_000);
  await Promise.all(callers);
  return { spentNanoUsd: gateway.spentNanoUsd, completed, refused };
}

// What one call holds, as Explain and the books have it.
const HOLD_NANO_USD = 112 * 100 + OUTPUT_LIMIT * 400;

test("1,000 callers on one key overshoot by nothing, and find almost all of the budget usable", async () => {
  const limitNanoUsd = 1_000 * HOLD_NANO_USD;
  const { spentNanoUsd, completed, refused } = await storm(limitNanoUsd, false);
  expect(refused).toBe(CALLERS);
  expect(completed).toBeGreaterThan(1_000);
  expect(Math.max(0, spentNanoUsd - limitNanoUsd)).toBe(0);
  expect(spentNanoUsd / limitNanoUsd).toBeGreaterThanOrEqual(0.98);
});

test("looking first and adding afterwards does overshoot", async () => {
  const limitNanoUsd = 1_000 * HOLD_NANO_USD;
  const { spentNanoUsd } = await storm(limitNanoUsd, true);
  expect(spentNanoUsd).toBeGreaterThan(limitNanoUsd);
});
