// A process that puts mutants through the pipeline and says how they ended and what they leave behind:
// `node --expose-gc test/support/mutants/child.ts COUNT SEED [FIRST]`. Prints one line of JSON. With COUNT 1 and the
// number of a mutant as FIRST, that mutant is tried again on its own.
import { realRuntime } from "../../../src/runtime/real.ts";
import { Dice, seedOf } from "./dice.ts";
import { mutate } from "./mutate.ts";
import { mutantSources } from "./sources.ts";
import { tryMutant } from "./trial.ts";

/** What the process prints. */
export interface MutantReport {
  /** What the mutants were made of. */
  readonly sources: string;
  readonly count: number;
  /** How many mutants of each wire format. */
  readonly dialects: Readonly<Record<string, number>>;
  /** How many ended in each way. */
  readonly ends: Readonly<Record<string, number>>;
  /** How often each mutation was applied. */
  readonly mutations: Readonly<Record<string, number>>;
  /** What went wrong, at most 50. */
  readonly defects: readonly string[];
  readonly defectCount: number;
  readonly heapBeforeMiB: number;
  readonly heapAfterMiB: number;
  readonly slowestMs: number;
  /** Which mutant took that long. */
  readonly slowest: string;
}

const MAX_DEFECTS = 50;
const MAX_MUTANT_MS = 2_000;
const WARM_UP = 500;

async function main(count: number, seed: number, first: number): Promise<void> {
  const clock = realRuntime();
  const { kind, sources } = mutantSources();
  const siblings = new Map(sources.map(({ dialect }) => [dialect, sources.filter((one) => one.dialect === dialect)]));
  const dialects: Record<string, number> = {};
  const ends: Record<string, number> = {};
  const mutations: Record<string, number> = {};
  const defects: string[] = [];
  let defectCount = 0;
  let slowestMs = 0;
  let slowest = "";
  let current = "";
  const report = (defect: string): void => {
    defectCount += 1;
    if (defects.length < MAX_DEFECTS) defects.push(`${current}: ${defect}`);
  };
  process.on("uncaughtException", (error) => report(`crashes: ${error.stack}`));
  const run = async (index: number): Promise<void> => {
    const mutantSeed = seedOf(seed, index);
    const dice = new Dice(mutantSeed);
    const source = dice.pick(sources);
    const mutant = mutate(source, siblings.get(source.dialect) ?? sources, dice);
    current = `mutant ${index} of seed ${seed}, ${source.name} (${mutant.changes.join(", ")})`;
    const startedMs = clock.monotonicMs();
    const verdict = await tryMutant(mutant, mutantSeed);
    const tookMs = clock.monotonicMs() - startedMs;
    if (tookMs > slowestMs) [slowestMs, slowest] = [tookMs, current];
    if (tookMs > MAX_MUTANT_MS) report(`takes ${Math.round(tookMs)} ms`);
    for (const defect of verdict.defects) report(defect);
    dialects[source.dialect] = (dialects[source.dialect] ?? 0) + 1;
    ends[verdict.end] = (ends[verdict.end] ?? 0) + 1;
    for (const change of mutant.changes) mutations[change] = (mutations[change] ?? 0) + 1;
  };
  const warmUp = Math.min(WARM_UP, Math.floor(count / 2));
  for (let index = first; index < first + warmUp; index++) await run(index);
  const heapBeforeMiB = await heapMiB(clock);
  for (let index = first + warmUp; index < first + count; index++) await run(index);
  const heapAfterMiB = await heapMiB(clock);
  const figures = { heapBeforeMiB, heapAfterMiB, slowestMs, slowest };
  const done: MutantReport = { sources: kind, count, dialects, ends, mutations, defects, defectCount, ...figures };
  process.stdout.write(`${JSON.stringify(done)}\n`);
}

async function heapMiB(clock: ReturnType<typeof realRuntime>): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((resolve) => clock.afterTurn(resolve));
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

const [count = "1000", seed = "1", first = "0"] = process.argv.slice(2);
await main(Number(count), Number(seed), Number(first)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
