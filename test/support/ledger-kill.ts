import { spawn } from "node:child_process";
import { once } from "node:events";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import { openLedger } from "../../src/ledger/recovery.ts";
import { VirtualRuntime } from "../../src/runtime/virtual.ts";
import { openDataFolder } from "../../src/store/data-folder.ts";
import { brief, journalOptions, readAll, unsettled } from "./ledger.ts";

const writer = join(import.meta.dirname, "ledger-writer.ts");

/**
 * Kills a writer of one journal that many times, at a random line, and opens the journal after each: every forward that
 * was promised is there, with one end, and no line has changed.
 */
export async function killWriters(rounds: number, seed: number): Promise<void> {
  process.stdout.write(`${rounds} kills of a writer of the journal, seed ${seed}\n`);
  const folder = mkdtempSync(join(tmpdir(), "parley-kill-"));
  try {
    const dice = new VirtualRuntime({ seed });
    const data = join(folder, "data");
    let closed = 0;
    for (let round = 1; round <= rounds; round++) closed += await killAndOpen(data, round, dice);
    expect(closed).toBeGreaterThan(rounds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One round; how many attempts the opening closed. */
async function killAndOpen(data: string, round: number, dice: VirtualRuntime): Promise<number> {
  const ledgerFolder = join(data, "ledger");
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

  const { all } = await readAll(ledgerFolder);
  const records = all.map(({ record }) => record);
  expect(unsettled(records)).toEqual([]);
  const found = new Set(records.map(brief));
  for (const one of promised) expect(found).toContain(one);
  // All but the ends of its last turn were on disk: never closed a second time, whatever they were.
  const restarted = records.filter((one) => one.kind === "request_ended" && one.reason === "gateway_restarted");
  const wrong = restarted.filter((one) => ended.slice(0, -40).includes(one.requestId));
  expect(wrong.map(brief)).toEqual([]);
  return report.attemptsClosed;
}

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
