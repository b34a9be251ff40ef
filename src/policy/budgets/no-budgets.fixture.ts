import type { Runtime } from "../../runtime/runtime.ts";
import { Budgets } from "./budgets.ts";
import { LocalBank } from "./local-bank.ts";

/** Budgets of a process alone whose books are empty. */
export function freshBudgets(runtime: Runtime): Budgets {
  const source = { spent: () => Promise.resolve(new Map<number, number>()) };
  return new Budgets({ runtime, bank: new LocalBank(source), source });
}
