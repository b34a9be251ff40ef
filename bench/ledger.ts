// What the ledger costs a request, and what its alternatives would: node bench/ledger.ts [REQUESTS]
// Each round sends the requests through every candidate in turn, so that a noisy moment hits all alike. Wall and CPU
// time in microseconds per request, medians of the rounds.
import { mkdtempSync, rmSync, writeSync, openSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { create } from "@bufbuild/protobuf";
import { CostSchema, UsageSchema, UsageSource } from "../src/contract/index.ts";
import { Book } from "../src/ledger/book.ts";
import { encodeLine } from "../src/ledger/format.ts";
import { Journal } from "../src/ledger/journal.ts";
import { costOf } from "../src/ledger/pricing.ts";
import type { AttemptEndedRecord, ForwardedRecord, Ledger, RequestEndedRecord } from "../src/ledger/records.ts";
import { realRuntime } from "../src/runtime/real.ts";
import { median } from "./statistics.ts";

const runtime = realRuntime();
const requests = Number(process.argv[2] ?? 20_000);
const rounds = 5;
const callers = [1, 8, 64];
const folder = mkdtempSync(join(tmpdir(), "parley-bench-ledger-"));
let opened = 0;

interface Candidate {
  readonly name: string;
  /** How many of the requests it gets: those that wait for a disk get fewer. */
  readonly share: number;
  open(): Ledger;
}

const usage = create(UsageSchema, {
  inputTokens: 1_200,
  cacheReadTokens: 300,
  outputTokens: 400,
  source: UsageSource.REPORTED,
  balanced: true,
});
const cost = create(CostSchema, { nanoUsd: 5_075_000n, priceVersion: "2026-07-24" });

function forwardedRecord(requestId: string): ForwardedRecord {
  const now = runtime.nowMs();
  return {
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
    organisation: undefined,
    project: undefined,
    hold: undefined,
    tags: {},
  };
}

function endRecords(requestId: string): [AttemptEndedRecord, RequestEndedRecord] {
  const endedAtMs = runtime.nowMs();
  const attempt: AttemptEndedRecord = {
    kind: "attempt_ended",
    requestId,
    attempt: 1,
    state: "completed",
    endedAtMs,
    reason: undefined,
    httpStatus: 200,
    upstreamRequestId: "req_0123456789abcdef",
    firstContentMs: 312,
    usage,
    cost,
  };
  return [attempt, { kind: "request_ended", requestId, state: "completed", endedAtMs, reason: undefined, attempts: 1 }];
}

/** The same books as rows of SQLite: one transaction per turn, or one per call. */
class SqliteLedger implements Ledger {
  readonly #database: DatabaseSync;
  readonly #insert;
  readonly #grouped: boolean;
  #queue: (ForwardedRecord | AttemptEndedRecord | RequestEndedRecord)[] = [];
  #written: PromiseWithResolvers<void> | undefined;
  #seq = 0;

  constructor(path: string, synchronous: "NORMAL" | "FULL", grouped: boolean) {
    this.#grouped = grouped;
    this.#database = new DatabaseSync(path);
    this.#database.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
      CREATE TABLE event (epoch INTEGER, seq INTEGER, kind TEXT, request TEXT, attempt INTEGER, received_ms INTEGER,
        at_ms INTEGER, key TEXT, surface TEXT, asked TEXT, provider TEXT, model TEXT, credential TEXT, stream INTEGER,
        bound INTEGER, prices TEXT, tags TEXT, state TEXT, reason TEXT, http_status INTEGER, upstream TEXT,
        usage TEXT, nano_usd INTEGER, UNIQUE (request, attempt, kind)) STRICT`);
    this.#insert = this.#database.prepare(`INSERT INTO event VALUES (${Array(23).fill("?").join(",")})`);
  }

  forwarded(record: ForwardedRecord): Promise<void> {
    this.#add(record);
    this.#written ??= Promise.withResolvers<void>();
    const { promise } = this.#written;
    if (!this.#grouped) this.#flush();
    return promise;
  }

  ended(record: AttemptEndedRecord | RequestEndedRecord): void {
    this.#add(record);
    if (!this.#grouped && record.kind === "request_ended") this.#flush();
  }

  // A request of this measurement is too short for checkpoints.
  streamed(): void {}

  async close(): Promise<void> {
    this.#flush();
    this.#database.close();
  }

  #add(record: ForwardedRecord | AttemptEndedRecord | RequestEndedRecord): void {
    if (this.#grouped && this.#queue.length === 0) runtime.afterTurn(() => this.#flush());
    this.#queue.push(record);
  }

  #flush(): void {
    const [queue, written] = [this.#queue, this.#written];
    this.#queue = [];
    this.#written = undefined;
    if (queue.length === 0) return;
    this.#database.exec("BEGIN");
    for (const record of queue) this.#insert.run(...this.#row(record));
    this.#database.exec("COMMIT");
    written?.resolve();
  }

  #row(record: ForwardedRecord | AttemptEndedRecord | RequestEndedRecord): SQLInputValue[] {
    this.#seq += 1;
    const row: SQLInputValue[] = Array<SQLInputValue>(23).fill(null);
    row.splice(0, 4, 1, this.#seq, record.kind, record.requestId);
    if (record.kind === "forwarded") {
      const { attempt, receivedAtMs, forwardedAtMs, keyId, surface, requestedModel, provider, model } = record;
      row.splice(4, 8, attempt, receivedAtMs, forwardedAtMs, keyId, surface, requestedModel, provider, model);
      const { credentialId, stream, inputTokensUpperBound, priceVersion, tags } = record;
      row.splice(
        12,
        5,
        credentialId,
        stream ? 1 : 0,
        inputTokensUpperBound,
        priceVersion ?? null,
        JSON.stringify(tags),
      );
    } else {
      row[6] = record.endedAtMs;
      row.splice(17, 2, record.state, record.reason ?? null);
      if (record.kind === "attempt_ended") {
        row[4] = record.attempt;
        const { inputTokens, cacheReadTokens, outputTokens } = record.usage!;
        const figures = JSON.stringify({ inputTokens, cacheReadTokens, outputTokens });
        row.splice(19, 4, record.httpStatus!, record.upstreamRequestId!, figures, record.cost!.nanoUsd!);
      }
    }
    return row;
  }
}

function openJournal(durability: "os" | "full"): Ledger {
  opened += 1;
  const options = {
    folder,
    durability,
    runtime,
    onIncident: ({ message }: { message: string }) => console.error(message),
  };
  return new Journal(options, 1, opened, new Book());
}

function openSqlite(synchronous: "NORMAL" | "FULL", grouped: boolean): Ledger {
  opened += 1;
  return new SqliteLedger(join(folder, `bench-${opened}.sqlite`), synchronous, grouped);
}

const none: Ledger = {
  forwarded: () => Promise.resolve(),
  ended: () => {},
  streamed: () => {},
  close: () => Promise.resolve(),
};

const candidates: readonly Candidate[] = [
  { name: "no ledger (the loop itself)", share: 1, open: () => none },
  { name: "journal, durability os", share: 1, open: () => openJournal("os") },
  { name: "SQLite WAL NORMAL, a turn a transaction", share: 1, open: () => openSqlite("NORMAL", true) },
  { name: "SQLite WAL NORMAL, no grouping", share: 0.25, open: () => openSqlite("NORMAL", false) },
  { name: "journal, durability full", share: 0.02, open: () => openJournal("full") },
  { name: "SQLite WAL FULL, a turn a transaction", share: 0.02, open: () => openSqlite("FULL", true) },
];

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** So many callers at once, each with one request after the other; the answer comes a turn after the forward. */
async function play(ledger: Ledger, count: number, concurrency: number): Promise<void> {
  let left = count;
  const caller = async () => {
    while (left-- > 0) {
      const requestId = runtime.newId("req");
      await ledger.forwarded(forwardedRecord(requestId));
      await turn();
      for (const record of endRecords(requestId)) ledger.ended(record);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  await ledger.close();
}

/** Microseconds a call. */
function each(count: number, action: () => unknown): number {
  const start = performance.now();
  for (let index = 0; index < count; index++) action();
  return ((performance.now() - start) * 1e3) / count;
}

function printParts(): void {
  const forward = forwardedRecord("req_0123456789abcdef0123456789");
  const [attempt, end] = endRecords("req_0123456789abcdef0123456789");
  const at = { epoch: 1, seq: 1 };
  const encode = () => [forward, attempt, end].map((record) => encodeLine(at, record)).join("");
  const text = encode();
  const fd = openSync(join(folder, "raw"), "a");
  const entries = ["input", "cache_read", "output"].map((unit) => ({ unit, nanoUsd: 2_500_000_000 }));
  const prices = { version: "2026-07-24", entries };
  const parts = [
    ["encode three records with checksums", encode],
    [`append their ${text.length} bytes to a file`, () => writeSync(fd, text)],
    ["price the usage", () => costOf(usage, prices, "default")],
  ] as const;
  console.log("\nParts, microseconds each:");
  for (const [name, action] of parts) {
    each(5_000, action);
    console.log(`  ${name.padEnd(44)}${each(20_000, action).toFixed(2).padStart(9)}`);
  }
  closeSync(fd);
}

try {
  console.log(`${requests} requests a round, ${rounds} rounds; microseconds per request, medians`);
  console.log(`${"".padEnd(44)}${callers.map((count) => `${count} at once (wall, CPU)`.padStart(26)).join("")}`);
  const measured = new Map<string, { wall: number; cpu: number }[]>();
  for (let round = 0; round < rounds; round++) {
    for (const candidate of candidates) {
      for (const concurrency of callers) {
        const ledger = candidate.open();
        const count = Math.max(200, Math.round(requests * candidate.share));
        const [cpuBefore, start] = [process.cpuUsage(), performance.now()];
        await play(ledger, count, concurrency);
        const { user, system } = process.cpuUsage(cpuBefore);
        const figure = { wall: ((performance.now() - start) * 1e3) / count, cpu: (user + system) / count };
        const key = `${candidate.name}/${concurrency}`;
        measured.set(key, [...(measured.get(key) ?? []), figure]);
      }
    }
  }
  for (const { name } of candidates) {
    const columns = callers.map((concurrency) => {
      const figures = measured.get(`${name}/${concurrency}`)!;
      const [wall, cpu] = [figures.map((one) => one.wall), figures.map((one) => one.cpu)].map(median);
      return `${wall!.toFixed(1)}, ${cpu!.toFixed(1)}`.padStart(26);
    });
    console.log(`${name.padEnd(44)}${columns.join("")}`);
  }
  printParts();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
