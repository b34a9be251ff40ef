import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import type { MutantReport } from "./child.ts";
import { MUTATIONS } from "./mutate.ts";

const MAX_GROWTH_MIB = 20;
const run = promisify(execFile);

/** Puts mutants through the pipeline, in a process of its own so that nothing else is in its heap. */
export async function runMutants(count: number, seed: number): Promise<MutantReport> {
  const child = join(import.meta.dirname, "child.ts");
  const { stdout, stderr } = await run(process.execPath, ["--expose-gc", child, String(count), String(seed)]);
  process.stderr.write(stderr);
  const report = JSON.parse(stdout) as MutantReport;
  const tell = (numbers: Readonly<Record<string, number>>): string =>
    Object.entries(numbers)
      .map(([name, number]) => `${name} ${number}`)
      .join(", ");
  process.stdout.write(
    `${count} mutants of ${report.sources}, seed ${seed} (PARLEY_MUTANT_SEED sets it): ${tell(report.dialects)}; ` +
      `ends: ${tell(report.ends)}; heap ${growthMiB(report).toFixed(1)} MiB, slowest ${report.slowestMs.toFixed(0)} ms\n`,
  );
  return report;
}

/** Fails where a mutant ended badly, memory was left behind, or a mutation or a wire format was left out. */
export function expectGoodEnds(report: MutantReport, count: number): void {
  expect(report.defects).toEqual([]);
  expect(growthMiB(report)).toBeLessThan(MAX_GROWTH_MIB);
  expect(Object.values(report.ends).reduce((sum, number) => sum + number, 0)).toBe(count);
  expect(MUTATIONS.filter((name) => (report.mutations[name] ?? 0) < count / 1_000)).toEqual([]);
  expect(Object.values(report.dialects).filter((number) => number >= count / 25)).toHaveLength(4);
  // Both ways of ending have to occur, or nothing was tried.
  expect(report.ends["completed"]).toBeGreaterThan(count / 20);
  expect(report.ends["STREAM_INTERRUPTED"]).toBeGreaterThan(count / 100);
}

function growthMiB({ heapAfterMiB, heapBeforeMiB }: MutantReport): number {
  return heapAfterMiB - heapBeforeMiB;
}
