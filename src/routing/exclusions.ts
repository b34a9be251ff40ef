import { create } from "@bufbuild/protobuf";
import { ExclusionSchema, type Exclusion } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { Candidate } from "./candidate.ts";
import { BUDGET_RULE } from "./worst-case.ts";

/** The rule that excludes a target whose window the input surely does not fit. */
export const WINDOW_RULE = "context_tokens";

/** A binding field that a target cannot honour; see `UnsupportedField` of the dialects. */
export interface Shortcoming {
  readonly field: string;
  readonly reason: string;
  readonly capability: boolean;
}

/** The error of a request for which no candidate is left: it counts what excluded how many. */
export function nothingLeft(
  candidates: readonly Candidate[],
  shortcomings: ReadonlyMap<Candidate, Shortcoming>,
): ParleyError {
  const exclusions = countExclusions(candidates);
  if (shortcomings.size === candidates.length) {
    const all = [...shortcomings.values()];
    const { field, reason } = all[0]!;
    const name = all.every((one) => one.capability) ? "UNSUPPORTED_CAPABILITY" : "UNSUPPORTED_PARAMETER";
    return new ParleyError(name, `Cannot honour ${field}: ${reason}`, { field, exclusions });
  }
  if (candidates.every(({ exclusion }) => exclusion?.rule === WINDOW_RULE)) {
    return new ParleyError(
      "CONTEXT_TOO_LONG",
      "Cannot route the request: its input and output limit together exceed the window of every model it may go to",
      { field: "messages", exclusions },
    );
  }
  const [first] = candidates;
  if (first && candidates.every(({ exclusion }) => exclusion?.rule === BUDGET_RULE)) {
    const where =
      candidates.length === 1 ? first.target.name : `${first.target.name} and ${candidates.length - 1} more`;
    return new ParleyError(
      "NO_ELIGIBLE_TARGET",
      `Cannot route the request on a key with budgets to ${where}: ${first.exclusion?.why}`,
      { field: "model", exclusions },
    );
  }
  const counts = exclusions.map((one) => `${one.constraint} excludes ${one.count}`).join(", ");
  return new ParleyError("NO_ELIGIBLE_TARGET", `Cannot route the request: ${counts}`, {
    field: "routing.constraints",
    exclusions,
  });
}

function countExclusions(candidates: readonly Candidate[]): Exclusion[] {
  const byRule = new Map<string, Exclusion>();
  for (const { exclusion, target } of candidates) {
    if (!exclusion) continue;
    const known = byRule.get(exclusion.rule);
    if (known) known.count += 1;
    else
      byRule.set(
        exclusion.rule,
        create(ExclusionSchema, { constraint: exclusion.rule, count: 1, example: target.name }),
      );
  }
  return [...byRule.values()];
}
