import { describe, expect, test } from "vitest";
import { VirtualRuntime } from "../src/runtime/virtual.ts";
import type { BillRow } from "./support/crash-bill.ts";
import { KILL_AT, playRound, type RoundResult } from "./support/crash-flood.ts";
import { startSandboxProcess } from "./support/crash-round.ts";
import { TestFolder } from "./support/process.ts";

// kill -9 with 200 live streams, at every named place and at moments of chance, round after round; a third of the restarts
// is killed as well. PARLEY_CRASH_SEED chooses other moments, PARLEY_CRASH_ROUNDS another number of rounds.
const SEED = Number(process.env["PARLEY_CRASH_SEED"] ?? 1);
const ROUNDS = Number(process.env["PARLEY_CRASH_ROUNDS"] ?? 120);
const STREAMS = 200;
/** Rounds that one data folder and one wall live through. */
const ROUNDS_PER_FOLDER = 8;
const RECOVERY_LIMIT_MS = 10_000;

describe("kill -9 with 200 live streams", () => {
  test(`${ROUNDS} rounds, seed ${SEED}`, { timeout: 30 * 60_000 }, async () => {
    const dice = new VirtualRuntime({ seed: SEED });
    const bills: BillRow[] = [];
    let live = 0;
    let slowestMs = 0;
    for (let first = 1; first <= ROUNDS; first += ROUNDS_PER_FOLDER) {
      using folder = new TestFolder();
      await using sandbox = await startSandboxProcess();
      let result: RoundResult | undefined;
      for (let number = first; number < first + ROUNDS_PER_FOLDER && number <= ROUNDS; number++) {
        const at = KILL_AT[(number - 1) % KILL_AT.length]!;
        const restartDies = dice.random() < 1 / 3;
        const random = (): number => dice.random();
        result = await playRound(sandbox, folder, { name: `r${number}`, at, streams: STREAMS, restartDies, random });
        const { killedAt, liveStreams, recoveredMs, orphans, problems } = result;
        console.log(
          `round ${number}: ${killedAt}; ${liveStreams} live, ${orphans} orphans, ${Math.round(recoveredMs)} ms; ` +
            `${problems.length} problems`,
        );
        expect({ number, seed: SEED, killedAt, problems: problems.slice(0, 20) }).toEqual({
          number,
          seed: SEED,
          killedAt,
          problems: [],
        });
        expect(recoveredMs).toBeLessThan(RECOVERY_LIMIT_MS);
        live += liveStreams;
        slowestMs = Math.max(slowestMs, recoveredMs);
      }
      // A folder's last round has the lines of all before it.
      bills.push(...(result?.rows ?? []));
    }
    console.log(
      `${live} streams were live when their gateway died; the slowest recovery took ${Math.round(slowestMs)} ms`,
    );
    console.table(sumUp(bills));
    expect(live).toBeGreaterThan(0.95 * STREAMS * ROUNDS);
  });
});

function sumUp(rows: readonly BillRow[]) {
  return Object.values(Object.groupBy(rows, ({ kind }) => kind)).map((same = []) => {
    const sum = (of: (row: BillRow) => number): number => same.reduce((total, row) => total + of(row), 0);
    const [wall, books] = [sum((row) => row.wallNanoUsd), sum((row) => row.booksNanoUsd)];
    return { kind: same[0]?.kind, lines: sum((row) => row.lines), wall, books, difference: books - wall };
  });
}
