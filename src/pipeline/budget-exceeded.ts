import { ParleyError } from "../errors/index.ts";
import type { BudgetAccount } from "../policy/budgets/account.ts";
import { windowName } from "../policy/budgets/compile-budgets.ts";
import type { Target } from "../routing/target.ts";

// Running requests give back what they do not need: soon there may be enough.
const HELD_RETRY_MS = 1_000;
// Nobody waits for longer by himself.
const LONGEST_RETRY_MS = 3_600_000;

/** A budget has not enough left for what a request may cost. Says whose it is and when it resets, not what is left. */
export function budgetExceeded(account: BudgetAccount, nanoUsd: number, nowMs: number): ParleyError {
  const { rule, resetsAtMs, spentNanoUsd } = account;
  const { kind, id } = rule.holder;
  const tag =
    rule.tag === undefined
      ? ""
      : ` for the tag ${rule.tag}${account.tagValue === undefined ? ", not set" : `=${account.tagValue}`}`;
  const isHeldOnly = spentNanoUsd + nanoUsd <= rule.limitNanoUsd;
  const afterMs = isHeldOnly ? HELD_RETRY_MS : Math.max(0, resetsAtMs - nowMs);
  const resets = `${rule.window.kind === "rolling" ? "it lets go of its oldest hour" : "it resets"} at ${new Date(resetsAtMs).toISOString()}`;
  const why = isHeldOnly ? "running requests hold what is left of it" : "too little of it is left";
  return new ParleyError(
    "BUDGET_EXCEEDED",
    `Cannot spend up to ${usdText(nanoUsd)} USD on the request: the budget ${windowName(rule.window)} of the ${kind} ${id}${tag} does not allow it, since ${why}; ${resets}. A lower sampling.max_output_tokens costs less`,
    afterMs <= LONGEST_RETRY_MS ? { retryDelayMs: afterMs } : {},
  );
}

/** Nobody can tell what the request may cost at most: routing keeps such targets out, and nothing is sent without. */
export function noWorstCase(target: Target): ParleyError {
  return new ParleyError(
    "NO_ELIGIBLE_TARGET",
    `Cannot hold money for ${target.name}: what the request may cost there at most is not known, and the key has budgets`,
    { field: "model" },
  );
}

/** The provider goes on beyond the limit that it was given. */
export function beyondHold(target: Target): ParleyError {
  return new ParleyError(
    "BUDGET_EXCEEDED",
    `Cannot go on with the answer: ${target.name} goes beyond the output limit that it was given, and the budget holds no more for it`,
  );
}

function usdText(nanoUsd: number): string {
  return (nanoUsd / 1e9).toFixed(9).replace(/\.?0+$/, "");
}
