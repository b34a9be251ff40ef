import { spawn } from "node:child_process";
import { once } from "node:events";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { brief, journalOptions, readAll, unsettled } from "../../test/support/ledger.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { openDataFolder } from "../store/data-folder.ts";
import { openLedger } from "./recovery.ts";

const writer = fileURLToPath(new URL("../../test/support/ledger-writer.ts", import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-kill-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("openLedger after kill -9", () => {
  test("has every forward that was promised, one end for each and no changed line, 20 times", async () => {
    const dice = new VirtualRuntime({ seed: 20_261_120 });
    const data = join(folder, "data");
    const ledgerFolder = join(data, "ledger");
    let closed = 0;
    for (let round = 1; round <= 20; round++) {
      const { promised, ended } = await writeUntilKilled(data, round, 1 + Math.floor(dice.random() * 400));
      const before = digests(ledgerFolder);
      const held = openDataFolder(data, dice);
      const { options } = journalOptions(ledgerFolder);
      const { ledger, report } = await openLedger({ ...options, claimEpoch: (above) => held.claimEpoch(above) });
      await ledger.close();
      held.close();
      expect(digests(ledgerFolder)).toMatchObject(before);
      expect(report.illegalRecords).toBe(0);
      expect(report.damage.filter(({ kind }) => kind !== "torn")).toEqual([]);
      closed += report.attemptsClosed;

      const { all } = await readAll(ledgerFolder);
      const records = all.map(({ record }) => record);
      expect(unsettled(records)).toEqual([]);
      const found = new Set(records.map(brief));
      for (const one of promised) expect(found).toContain(one);
      // All but the ends of its last turn were on disk: never closed a second time, whatever they were.
      const restarted = records.filter((one) => one.kind === "request_ended" && one.reason === "gateway_restarted");
      const wrong = restarted.filter((one) => ended.slice(0, -40).includes(one.requestId));
      expect(wrong.map(brief)).toEqual([]);
    }
    expect(closed).toBeGreaterThan(20);
  }, 60_000);
});

/** Kills the writer once it has printed that many lines; what it printed until it died. */
async function writeUntilKilled(data: string, seed: number, lines: number) {
  const child = spawn(process.execPath, [writer, data, String(seed)], { stdio: ["ignore", "pipe", "inherit"] });
  const promised: string[] = [];
  const ended: string[] = [];
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, id, attempt] = line.split(" ");
    if (word === "forwarded") promised.push(`forwarded ${id}.${attempt}`);
    else ended.push(id!);
    count += 1;
    if (count === lines) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  expect(child.signalCode).toBe("SIGKILL");
  return { promised, ended };
}

function digests(path: string): Record<string, string> {
  const entries = readdirSync(path).map((name) => {
    const digest = createHash("sha256").update(readFileSync(join(path, name)));
    return [name, digest.digest("hex")] as const;
  });
  return Object.fromEntries(entries);
}
