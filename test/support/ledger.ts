import fs from "node:fs";
import { create } from "@bufbuild/protobuf";
import { CostSchema, UsageSchema, UsageSource } from "../../src/contract/index.ts";
import { Book } from "../../src/ledger/book.ts";
import type { JournalIncident, JournalOptions } from "../../src/ledger/journal-options.ts";
import { readLedger, type ReadRecord } from "../../src/ledger/reader.ts";
import type {
  AttemptEndedRecord,
  CheckpointRecord,
  CompensatedRecord,
  ForwardedRecord,
  LedgerRecord,
  RequestEndedRecord,
} from "../../src/ledger/records.ts";
import type { JournalFiles } from "../../src/ledger/segment-writer.ts";
import type { JournalDamage } from "../../src/ledger/segments.ts";
import { VirtualRuntime } from "../../src/runtime/virtual.ts";

/** A forward as the pipeline would write it. */
export function forwarded(requestId: string, attempt = 1, more: Partial<ForwardedRecord> = {}): ForwardedRecord {
  return {
    kind: "forwarded",
    requestId,
    attempt,
    receivedAtMs: 1_790_000_000_000,
    forwardedAtMs: 1_790_000_000_001,
    keyId: "key_local",
    surface: "openai",
    requestedModel: "fast",
    provider: "openai",
    model: "gpt-5-mini",
    credentialId: "openai#1",
    stream: true,
    inputTokensUpperBound: 1_234,
    priceVersion: "2026-07-24",
    organisation: undefined,
    project: undefined,
    hold: undefined,
    tags: { team: "búsqueda 🔎" },
    ...more,
  };
}

/** A checkpoint as the pipeline would write it. */
export function checkpoint(requestId: string, attempt = 1, more: Partial<CheckpointRecord> = {}): CheckpointRecord {
  return {
    kind: "partially_streamed",
    requestId,
    attempt,
    atMs: 1_790_000_000_500,
    usage: create(UsageSchema, { inputTokens: 100, outputTokens: 7, source: UsageSource.ESTIMATED, balanced: true }),
    cost: create(CostSchema, { nanoUsd: 3_000n, priceVersion: "2026-07-24", estimated: true }),
    ...more,
  };
}

/** A correction as the administration would write it. */
export function compensated(requestId: string, attempt = 1, more: Partial<CompensatedRecord> = {}): CompensatedRecord {
  return {
    kind: "compensated",
    requestId,
    attempt,
    compensationId: "bill-2026-11",
    atMs: 1_790_000_900_000,
    deltaNanoUsd: -1_000,
    reason: "the provider's bill",
    actor: "key_admin",
    ...more,
  };
}

/** The end of an attempt as the pipeline would write it, with usage and cost. */
export function attemptEnded(
  requestId: string,
  attempt = 1,
  more: Partial<AttemptEndedRecord> = {},
): AttemptEndedRecord {
  return {
    kind: "attempt_ended",
    requestId,
    attempt,
    state: "completed",
    endedAtMs: 1_790_000_000_900,
    reason: undefined,
    httpStatus: 200,
    upstreamRequestId: "req-upstream",
    firstContentMs: 300,
    usage: create(UsageSchema, { inputTokens: 100, outputTokens: 20, source: UsageSource.REPORTED, balanced: true }),
    cost: create(CostSchema, { nanoUsd: 65_000n, priceVersion: "2026-07-24" }),
    ...more,
  };
}

/** The end of a request as the pipeline would write it. */
export function requestEnded(requestId: string, more: Partial<RequestEndedRecord> = {}): RequestEndedRecord {
  return {
    kind: "request_ended",
    requestId,
    state: "completed",
    endedAtMs: 1_790_000_000_901,
    reason: undefined,
    attempts: 1,
    ...more,
  };
}

/** Options of a journal in a folder, and the incidents it tells. */
export function journalOptions(folder: string, more: Partial<JournalOptions> = {}) {
  const incidents: JournalIncident[] = [];
  const options: JournalOptions = {
    folder,
    durability: "os",
    runtime: new VirtualRuntime(),
    onIncident: (incident) => incidents.push(incident),
    ...more,
  };
  return { options, incidents };
}

/** Everything in a journal, and what is damaged in it. */
export async function readAll(folder: string): Promise<{ all: ReadRecord[]; damage: JournalDamage[] }> {
  const damage: JournalDamage[] = [];
  const all: ReadRecord[] = [];
  for await (const one of readLedger(folder, (what) => damage.push(what))) all.push(one);
  return { all, damage };
}

/** A record in one word, for comparing sequences: `forwarded a.1`, `a.1 completed`, `a failed gateway_restarted`. */
export function brief(record: LedgerRecord): string {
  if (!("state" in record)) return `${record.kind} ${record.requestId}.${record.attempt}`;
  const subject = record.kind === "attempt_ended" ? `${record.requestId}.${record.attempt}` : record.requestId;
  return [subject, record.state, record.reason].filter((word) => word !== undefined).join(" ");
}

/** What is wrong with a sequence of records: those that may not follow, and requests that nothing ended. */
export function unsettled(records: readonly LedgerRecord[]): string[] {
  const book = new Book();
  const illegal = records.flatMap((record) => {
    const problem = book.accept(record);
    book.written(record, { epoch: 0, seq: 0, text: "" });
    return problem === undefined ? [] : [`${brief(record)}: ${problem}`];
  });
  return [...illegal, ...[...book.requests()].map((one) => `${one.requestId} is open`)];
}

/** The real file system, which counts its writes and fails when told to. */
export class TroubledFiles implements JournalFiles {
  /** Thrown by the next writes while set; a write first takes `bytesBeforeFailure` bytes. */
  writeError: string | undefined;
  bytesBeforeFailure = 0;
  truncateError: string | undefined;
  syncError: string | undefined;
  openError: string | undefined;
  /** Most bytes one write takes. */
  longestWrite = Number.POSITIVE_INFINITY;
  writes = 0;
  syncs = 0;
  /** While set, syncs wait in it instead of running. */
  heldSyncs: (() => void)[] | undefined;

  readonly closeSync = fs.closeSync;
  readonly rmSync = fs.rmSync;
  readonly fsyncSync = fs.fsyncSync;

  readonly openSync = ((path: fs.PathLike, flags: fs.OpenMode, mode?: fs.Mode) => {
    if (this.openError) throw failure(this.openError);
    return fs.openSync(path, flags, mode);
  }) as typeof fs.openSync;

  readonly writeSync = ((fd: number, data: Buffer | string, start?: number | null, length?: number | null) => {
    this.writes += 1;
    const bytes = Buffer.from(data).subarray(start ?? 0, length ? (start ?? 0) + length : undefined);
    if (this.writeError === undefined) return fs.writeSync(fd, bytes.subarray(0, this.longestWrite));
    const count = Math.min(bytes.length, this.bytesBeforeFailure);
    this.bytesBeforeFailure = 0;
    if (count > 0) return fs.writeSync(fd, bytes.subarray(0, count));
    throw failure(this.writeError);
  }) as typeof fs.writeSync;

  readonly ftruncateSync: typeof fs.ftruncateSync = (fd, length) => {
    if (this.truncateError) throw failure(this.truncateError);
    fs.ftruncateSync(fd, length);
  };

  readonly fdatasync = ((fd: number, done: (error: Error | null) => void) => {
    this.syncs += 1;
    const { syncError } = this;
    const run = () => void (syncError === undefined ? fs.fdatasync(fd, done) : setImmediate(done, failure(syncError)));
    if (this.heldSyncs) this.heldSyncs.push(run);
    else run();
  }) as typeof fs.fdatasync;
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: made by a test`), { code });
}
