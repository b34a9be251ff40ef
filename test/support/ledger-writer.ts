// A process that writes a ledger until it is killed: `node test/support/ledger-writer.ts FOLDER SEED`. Prints
// `forwarded ID ATTEMPT` for each attempt whose record it was told is safe, and `ended ID` for each end it handed over.
import { writeSync } from "node:fs";
import { join } from "node:path";
import { openLedger } from "../../src/ledger/recovery.ts";
import { realRuntime } from "../../src/runtime/real.ts";
import { VirtualRuntime } from "../../src/runtime/virtual.ts";
import { openDataFolder } from "../../src/store/data-folder.ts";
import { attemptEnded, forwarded, requestEnded } from "./ledger.ts";

const [folder = "", seed = "1"] = process.argv.slice(2);
const dice = new VirtualRuntime({ seed: Number(seed) });
const runtime = realRuntime();
const data = openDataFolder(folder, runtime);
const { ledger } = await openLedger({
  folder: join(data.path, "ledger"),
  durability: "os",
  runtime,
  claimEpoch: (above) => data.claimEpoch(above),
  onIncident: (incident) => {
    throw new Error(incident.message);
  },
  // Small, so that kills hit rotations as well.
  segmentBytes: 30_000,
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function request(requestId: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await ledger.forwarded(forwarded(requestId, attempt));
    writeSync(1, `forwarded ${requestId} ${attempt}\n`);
    for (let wait = Math.floor(dice.random() * 6); wait > 0; wait--) await turn();
    const failed = attempt < 3 && dice.random() < 0.3;
    if (failed) {
      ledger.ended(attemptEnded(requestId, attempt, { state: "failed", reason: "provider_error" }));
      if (dice.random() < 0.5) continue;
    } else ledger.ended(attemptEnded(requestId, attempt));
    if (dice.random() < 0.3) await turn();
    const outcome = failed ? ({ state: "failed", reason: "provider_error" } as const) : {};
    ledger.ended(requestEnded(requestId, { ...outcome, attempts: attempt }));
    writeSync(1, `ended ${requestId}\n`);
    return;
  }
}

async function caller(number: number): Promise<never> {
  for (let count = 0; ; count++) await request(`r${ledger.epoch}-${number}-${count}`);
}

await Promise.all(Array.from({ length: 20 }, (_, number) => caller(number)));
