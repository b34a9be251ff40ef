import { expect, test } from "vitest";
import { OUTCOMES, runSubstitutions } from "./support/substitution-run.ts";

const CASES = 1_000_000;
const seed = Number(process.env["SUBSTITUTION_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

test(`substitution goes by the book in ${CASES} cases of seed ${seed}`, () => {
  const { differences, counts } = runSubstitutions(CASES, seed);
  expect(differences).toEqual([]);
  for (const outcome of OUTCOMES)
    expect({ outcome, often: (counts.get(outcome) ?? 0) >= 1000 }).toEqual({ outcome, often: true });
});
