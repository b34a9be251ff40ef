// What it costs to take the journal into the tables, and for how long a batch holds up the event loop:
// node bench/projection.ts [REQUESTS]; with PARLEY_DATABASE_URL set to an empty PostgreSQL, there instead of in SQLite.
// Three records a request, one tag, two buckets. CPU and wall time in microseconds per request. `live`: what a running
// gateway pays, records handed over by the journal as they are written, less what the journal costs without a projection;
// `behind`: from the journal's files, as after a start.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { CostSchema, UsageSchema, UsageSource } from "../src/contract/index.ts";
import { Book } from "../src/ledger/book.ts";
import { Journal } from "../src/ledger/journal.ts";
import type { WrittenGroup } from "../src/ledger/journal-options.ts";
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

const onIncident = ({ message }: { message: string }): void => console.error(message);

interface Books {
  readonly ledger: Journal;
  readonly projector: Projector;
  /** From now on records are handed over. */
  follow(): void;
  close(): Promise<void>;
}

let opened = 0;

async function openBooks(): Promise<Books> {
  const journal = join(folder, `journal-${++opened}`);
  mkdirSync(journal);
  const taken: { projector?: Projector } = {};
  const onWritten = (group: WrittenGroup): void => taken.projector?.take(group);
  const ledger = new Journal({ folder: journal, durability: "os", runtime, onIncident, onWritten }, 1, 1, new Book());
  const database = await openDatabase(url ? { url } : { file: join(folder, `tables-${opened}.sqlite`) });
  const store = createSqlLedgerStore(database);
  const replica = runtime.newId("replica");
  const written = () => ledger.written;
  const projector = await Projector.open({ folder: journal, replica, store, runtime, written, onIncident });
  return {
    ledger,
    projector,
    follow: () => void (taken.projector = projector),
    async close() {
      await projector.close();
      await ledger.close();
      await database.close();
    },
  };
}

/** Writes all requests as a gateway does, some at a time. */
async function writeAll(ledger: Journal): Promise<void> {
  for (let done = 0; done < requests; done += 50) {
    await Promise.all(Array.from({ length: 50 }, () => writeRequest(ledger)));
    await sleep(8);
  }
  await ledger.flush();
}

interface Spent {
  readonly cpuUs: number;
  readonly wallMs: number;
  readonly pauses: string;
}

async function measure(work: () => Promise<void>): Promise<Spent> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const [cpuBefore, start] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  const wallMs = performance.now() - start;
  delay.disable();
  // The monitor's own resolution is a part of each delay.
  const pauses = [50, 99, 100].map((share) => (delay.percentile(share) / 1e6).toFixed(1)).join(", ");
  return { cpuUs: (user + system) / requests, wallMs, pauses };
}

/** Writes the requests, projects them, and says what that took. */
async function round(): Promise<void> {
  const plain = await openBooks();
  const alone = await measure(() => writeAll(plain.ledger));
  const behind = await measure(() => plain.projector.caughtUp());
  await plain.close();
  const books = await openBooks();
  books.follow();
  const both = await measure(async () => {
    await writeAll(books.ledger);
    await books.projector.caughtUp();
  });
  await books.close();
  const live = (both.cpuUs - alone.cpuUs).toFixed(1);
  console.log(
    `live:   ${live} CPU (journal alone ${alone.cpuUs.toFixed(1)}); pauses p50, p99, most: ${both.pauses} ms`,
  );
  const perSecond = Math.round((plain.projector.projected / behind.wallMs) * 1_000);
  console.log(
    `behind: ${behind.cpuUs.toFixed(1)} CPU; ${perSecond} records/s; pauses p50, p99, most: ${behind.pauses} ms`,
  );
}

try {
  for (let number = 1; number <= rounds; number++) await round();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
