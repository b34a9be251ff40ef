import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  booksOf,
  problemsOf,
  projectionProblems,
  readJournal,
  sendTraffic,
  startGatewayBefore,
  startSandboxProcess,
} from "./support/crash-round.ts";
import { startMain, TestFolder } from "./support/process.ts";

// kill -9 at moments of chance, round after round on one data folder, now and then while the restart itself recovers.
const ROUNDS = 25;
const LONGEST_LIFE_MS = 1_500;
const LONGEST_RESTART_MS = 900;
const RECOVERY_LIMIT_MS = 10_000;

describe("kill -9 at any moment", () => {
  test(`${ROUNDS} rounds leave every attempt with one end and lose none`, { timeout: 15 * 60_000 }, async () => {
    using folder = new TestFolder();
    await using sandbox = await startSandboxProcess();
    for (let round = 1; round <= ROUNDS; round++) {
      if (round % 3 === 0) await killWhileStarting(folder);
      const startedAtMs = performance.now();
      await using gateway = await startGatewayBefore(sandbox, folder);
      const journal = await readJournal(gateway.dataDir);
      expect(performance.now() - startedAtMs).toBeLessThan(RECOVERY_LIMIT_MS);
      const lifeMs = Math.random() * LONGEST_LIFE_MS;
      expect({ round, problems: problemsOf(journal, await booksOf(sandbox)) }).toEqual({ round, problems: [] });
      expect(await projectionProblems(gateway.dataDir, journal)).toEqual([]);
      const requests = sendTraffic(gateway, 60, `r${round}`);
      await pause(lifeMs);
      gateway.process.signal("SIGKILL");
      await gateway.process.exited;
      await Promise.all(requests.map(({ outcome }) => outcome));
    }
    await using last = await startGatewayBefore(sandbox, folder);
    const journal = await readJournal(last.dataDir);
    expect(problemsOf(journal, await booksOf(sandbox))).toEqual([]);
    const ends = [...journal.attemptEnds.values()].flat();
    for (const reason of ["gateway_restarted", "stream_interrupted", "provider_overloaded", undefined]) {
      expect(ends.filter((end) => end.reason === reason).length).toBeGreaterThan(0);
    }
  });
});

/** Starts a gateway with the folder's configuration and kills it somewhere between its first step and its last. */
async function killWhileStarting(folder: TestFolder): Promise<void> {
  await using child = startMain(["--port", "0"], { cwd: folder.path });
  await pause(Math.random() * LONGEST_RESTART_MS);
  child.signal("SIGKILL");
  await child.exited;
}
