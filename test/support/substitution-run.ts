import { reasonName } from "../../src/errors/index.ts";
import { substitute, type Substitution } from "../../src/routing/substitution.ts";
import { expectedSubstitution, type Expected } from "./expected-substitution.ts";
import { argumentsOf, caseOf, numbersOf } from "./substitution-cases.ts";

/** What a run of cases found. */
export interface SubstitutionRun {
  /** The first cases in which the gate and the book differ; at most 5. */
  readonly differences: readonly object[];
  /** How often each outcome came. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Compares the gate with the book on `count` cases. */
export function runSubstitutions(count: number, seed: number): SubstitutionRun {
  const next = numbersOf(seed);
  const differences: object[] = [];
  const counts = new Map<string, number>();
  for (let index = 0; index < count && differences.length < 5; index++) {
    const one = caseOf(next);
    const given = argumentsOf(one);
    const actual = substitute(...given);
    const expected = expectedSubstitution(one);
    if (!agrees(actual, expected))
      differences.push({ index, reason: reasonName(given[1].error.reason), one, actual, expected });
    const name = actual.kind === "deny" ? `deny ${actual.rule}` : actual.kind;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return { differences, counts };
}

function agrees(actual: Substitution, expected: Expected): boolean {
  if (actual.kind === "deny") return expected.kind === "deny" && expected.rules.includes(actual.rule);
  if (actual.kind !== expected.kind) return false;
  if (actual.kind !== "verified_restart") return true;
  return expected.kind === "verified_restart" && actual.servedModel === expected.servedModel;
}

/** Every outcome that the gate knows. */
export const OUTCOMES = [
  "replace",
  "continue",
  "verified_restart",
  "reset",
  "deny error",
  "deny refusal",
  "deny window",
  "deny fallbacks",
  "deny constraints",
  "deny provider_bound",
  "deny delivery",
  "deny not_plain_text",
  "deny too_long",
  "deny not_reproducible",
] as const;
