// What it costs to take the journal into the tables, and for how long a batch holds up the event loop:
// node bench/projection.ts [REQUESTS]; with PARLEY_DATABASE_URL set to an empty PostgreSQL, there instead of in SQLite.
// Three records a request, one tag, two buckets. CPU and wall time in microseconds per request.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { create } from "@bufbuild/protobuf";
import { CostSchema, UsageSchema, UsageSource } from "../src/contract/index.ts";
import { Book } from "../src/ledger/book.ts";
import { Journal } from "../src/ledger/journal.ts";
import { Projector } from "../src/ledger/projector.ts";
import { realRuntime } from "../src/runtime/real.ts";
import { openDatabase } from "../src/store/sql/database.ts";
import { createSqlLedgerStore } from "../src/store/sql/ledger-store.ts";

const runtime = realRuntime();
const requests = Number(process.argv[2] ?? 20_000);
const rounds = 3;
const folder = mkdtempSync(join(tmpdir(), "parley-bench-projection-"));
const url = process.env["PARLEY_DATABASE_URL"];

const usage = create(UsageSchema, { inputTokens: 1_200, outputTokens: 400, source: UsageSource.REPORTED });
const cost = create(CostSchema, { nanoUsd: 5_075_000n, priceVersion: "2026-07-24" });

async function writeRequest(ledger: Journal): Promise<void> {
  const requestId = runtime.newId("req");
  const now = runtime.nowMs();
  const bucket = Math.floor(now / 3_600_000);
  await ledger.forwarded({
    kind: "forwarded",
    requestId,
    attempt: 1,
    receivedAtMs: now,
    forwardedAtMs: now,
    keyId: "key_local",
    surface: "openai",
    requestedModel: "openai/gpt-5-mini",
    provider: "openai",
    model: "gpt-5-mini",
    credentialId: "openai#1",
    stream: true,
    inputTokensUpperBound: 4_800,
    priceVersion: "2026-07-24",
    organisation: "acme",
    project: "acme/search",
    hold: {
      nanoUsd: 9_000_000,
      buckets: [
        { account: "key:key_local|rolling_24h", bucket },
        { account: "organisation:acme|calendar_day@UTC", bucket },
      ],
    },
    tags: { team: "core" },
  });
  ledger.ended({
    kind: "attempt_ended",
    requestId,
    attempt: 1,
    state: "completed",
    endedAtMs: now,
    reason: undefined,
    httpStatus: 200,
    upstreamRequestId: "chatcmpl-0123456789",
    firstContentMs: 300,
    usage,
    cost,
  });
  const end = { kind: "request_ended", requestId, state: "completed", endedAtMs: now } as const;
  ledger.ended({ ...end, reason: undefined, attempts: 1 });
}

/** Writes the requests, projects them, and says what that took. */
async function round(number: number): Promise<string> {
  const journal = join(folder, `journal-${number}`);
  mkdirSync(journal);
  const onIncident = ({ message }: { message: string }): void => console.error(message);
  const ledger = new Journal({ folder: journal, durability: "os", runtime, onIncident }, 1, 1, new Book());
  for (let done = 0; done < requests; done += 100) {
    await Promise.all(Array.from({ length: 100 }, () => writeRequest(ledger)));
  }
  await ledger.flush();
  const database = await openDatabase(url ? { url } : { file: join(folder, `tables-${number}.sqlite`) });
  const replica = runtime.newId("replica");
  const store = createSqlLedgerStore(database);
  const written = () => ledger.written;
  const projector = await Projector.open({ folder: journal, replica, store, runtime, written, onIncident });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const [cpuBefore, start] = [process.cpuUsage(), performance.now()];
  await projector.caughtUp();
  const { user, system } = process.cpuUsage(cpuBefore);
  const wallMs = performance.now() - start;
  delay.disable();
  await projector.close();
  await ledger.close();
  await database.close();
  const each = (us: number): string => (us / requests).toFixed(1);
  // The monitor's own resolution is a part of each delay.
  const pauses = [50, 99, 100].map((share) => (delay.percentile(share) / 1e6).toFixed(1)).join(", ");
  const perSecond = Math.round((projector.projected / wallMs) * 1_000);
  return `${each(wallMs * 1e3)} wall, ${each(user + system)} CPU; ${perSecond} records/s; pauses p50, p99, most: ${pauses} ms`;
}

try {
  for (let number = 1; number <= rounds; number++) console.log(await round(number));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
