import { test } from "vitest";
import { realRuntime } from "../src/runtime/real.ts";
import { expectGoodEnds, runMutants } from "./support/mutants/run.ts";

// Others each time, so that in the long run all are tried; what goes wrong names its seed.
const SEED = Number(process.env["PARLEY_MUTANT_SEED"] ?? Math.floor(realRuntime().random() * 1_000_000));
const MANY = 100_000;

test(`${MANY} malformed answers end once each, typed, and leave no memory behind`, async () => {
  expectGoodEnds(await runMutants(MANY, SEED), MANY);
});
