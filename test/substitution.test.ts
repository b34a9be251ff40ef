import { expect, test } from "vitest";
import { ErrorReason } from "../src/contract/index.ts";
import { FACTS } from "./support/expected-substitution.ts";
import { OUTCOMES, runSubstitutions } from "./support/substitution-run.ts";

const CASES = 20_000;
const seed = Number(process.env["SUBSTITUTION_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

test("the book has a line for every error", () => {
  const names = Object.keys(ErrorReason).filter((name) => name !== "UNSPECIFIED");
  expect(new Set<string>(FACTS.reason)).toEqual(new Set(names));
});

test(`substitution goes by the book in ${CASES} cases of seed ${seed}`, () => {
  const { differences, counts } = runSubstitutions(CASES, seed);
  expect(differences).toEqual([]);
  for (const outcome of OUTCOMES)
    expect({ outcome, often: (counts.get(outcome) ?? 0) >= 20 }).toEqual({ outcome, often: true });
});
