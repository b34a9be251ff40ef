import type { BillingFacts } from "../catalog/facts.ts";

/** How a vendor bills, where tokens and prices do not tell. */
export interface BillingRule extends Omit<BillingFacts, "unbounded"> {
  /** Models (globs as in quirks) whose calls have fees that nothing in a request bounds, and why. */
  readonly unbounded?: readonly { readonly models: readonly string[]; readonly why: string }[];
}

/** The rule as it holds for one model. */
export function billingOf(
  rule: BillingRule | undefined,
  matches: (globs: readonly string[]) => boolean,
): BillingFacts | undefined {
  if (!rule) return undefined;
  const { unbounded = [], ...facts } = rule;
  const found = unbounded.find(({ models }) => matches(models));
  return found ? { ...facts, unbounded: found.why } : facts;
}
