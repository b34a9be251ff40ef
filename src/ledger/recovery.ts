import { mkdirSync } from "node:fs";
import { clone, create } from "@bufbuild/protobuf";
import { CostSchema, UsageSchema, UsageSource, type Cost, type Usage } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import { crashPoint } from "../runtime/crash-point.ts";
import { Book, openAttempts, type OpenAttempt, type OpenRequest } from "./book.ts";
import type { JournalOptions } from "./journal-options.ts";
import { Journal } from "./journal.ts";
import type { AttemptEndedRecord, ForwardedRecord } from "./records.ts";
import { listSegments, readOpenTail, SegmentReader, type JournalDamage } from "./segments.ts";

/** Reason of what a restart closed. */
const GATEWAY_RESTARTED = "gateway_restarted";

/** How the ledger is opened. */
export interface OpenLedgerOptions extends JournalOptions {
  /** Claims this process's epoch: above every epoch it ever gave and above the given one. */
  readonly claimEpoch: (above: number) => number;
  /** What an orphan's estimated usage costs. Undefined: no price is known. */
  readonly costOf?: (attempt: ForwardedRecord, usage: Usage) => Cost | undefined;
}

/** What a start found in the journal and did about it. */
export interface RecoveryReport {
  readonly epoch: number;
  readonly segmentsRead: number;
  readonly recordsRead: number;
  readonly attemptsClosed: number;
  readonly requestsClosed: number;
  /** Torn tails are what a kill leaves; `corrupt` and `missing` mean that something outside harmed the files. */
  readonly damage: readonly JournalDamage[];
  /** Records that may not follow those before them, for example an end whose forward is missing. */
  readonly illegalRecords: number;
}

/**
 * Opens the ledger: reads what can hold open attempts, begins a segment of a new epoch and closes there what processes
 * before this one left open, each attempt and request once. Closing is appending: no line is ever changed. Throws
 * `MISCONFIGURED` when the journal cannot be read or written.
 */
export async function openLedger(options: OpenLedgerOptions): Promise<{ ledger: Journal; report: RecoveryReport }> {
  const found = readJournal(options.folder);
  crashPoint("recovery_read");
  const ledger = new Journal(options, options.claimEpoch(found.epoch), found.lastSegment + 1, found.book);
  const closed = closeOrphans(ledger, options);
  crashPoint("recovery_queued");
  try {
    await ledger.flush();
    crashPoint("recovery_written");
  } catch (error) {
    await ledger.close().catch(() => {});
    throw error;
  }
  const { segmentsRead, recordsRead, damage, illegalRecords } = found;
  return { ledger, report: { epoch: ledger.epoch, segmentsRead, recordsRead, ...closed, damage, illegalRecords } };
}

function readJournal(folder: string) {
  const book = new Book();
  const damage: JournalDamage[] = [];
  let recordsRead = 0;
  let illegalRecords = 0;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const segments = listSegments(folder);
    const tail = readOpenTail(segments);
    const reader = new SegmentReader((one) => damage.push(one));
    for (const { segment, bytes } of tail) {
      for (const { record, ...line } of reader.read(segment, bytes)) {
        recordsRead += 1;
        if (book.accept(record) === undefined) book.written(record, line);
        else illegalRecords += 1;
      }
    }
    const lastSegment = segments.at(-1)?.segment ?? 0;
    return { book, damage, recordsRead, illegalRecords, epoch: reader.epoch, lastSegment, segmentsRead: tail.length };
  } catch (error) {
    if (error instanceof ParleyError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new ParleyError("MISCONFIGURED", `Cannot open the ledger in ${folder}: it cannot be read (${code})`, {
      cause: error,
    });
  }
}

function closeOrphans(ledger: Journal, options: OpenLedgerOptions) {
  let attemptsClosed = 0;
  let requestsClosed = 0;
  const endedAtMs = options.runtime.nowMs();
  for (const request of ledger.openRequests()) {
    for (const attempt of openAttempts(request)) {
      ledger.ended(orphanEnd(attempt, endedAtMs, options.costOf));
      attemptsClosed += 1;
    }
    closeRequest(ledger, request, endedAtMs);
    requestsClosed += 1;
  }
  return { attemptsClosed, requestsClosed };
}

function orphanEnd(
  { record, checkpoint }: OpenAttempt,
  endedAtMs: number,
  costOf: OpenLedgerOptions["costOf"],
): AttemptEndedRecord {
  const usage = orphanUsage(record, checkpoint?.record.usage);
  return {
    kind: "attempt_ended",
    requestId: record.requestId,
    attempt: record.attempt,
    state: "failed",
    endedAtMs,
    reason: GATEWAY_RESTARTED,
    httpStatus: undefined,
    upstreamRequestId: undefined,
    firstContentMs: undefined,
    usage,
    cost: orphanCost(record, checkpoint?.record.cost ?? costOf?.(record, usage)),
  };
}

// As far as it had come. Before that nobody counted what the provider sent, and the input may have been billed whole: the
// upper bound stands for it.
function orphanUsage(attempt: ForwardedRecord, usedSoFar: Usage | undefined): Usage {
  if (!usedSoFar) {
    const inputTokens = attempt.inputTokensUpperBound;
    return create(UsageSchema, { inputTokens, source: UsageSource.ESTIMATED, balanced: true });
  }
  const usage = clone(UsageSchema, usedSoFar);
  usage.source = UsageSource.ESTIMATED;
  return usage;
}

// What came after the last checkpoint nobody knows: where money is held, all of it may have been spent.
function orphanCost(attempt: ForwardedRecord, known: Cost | undefined): Cost | undefined {
  const { hold, priceVersion } = attempt;
  if (!hold) return known && create(CostSchema, { ...withoutType(known), estimated: true });
  const held = BigInt(hold.nanoUsd);
  const nanoUsd = known?.nanoUsd !== undefined && known.nanoUsd > held ? known.nanoUsd : held;
  return create(CostSchema, { nanoUsd, estimated: true, ...(priceVersion === undefined ? {} : { priceVersion }) });
}

function withoutType({ nanoUsd, priceVersion }: Cost): { nanoUsd?: bigint; priceVersion?: string } {
  return { ...(nanoUsd === undefined ? {} : { nanoUsd }), ...(priceVersion === undefined ? {} : { priceVersion }) };
}

function closeRequest(ledger: Journal, request: OpenRequest, endedAtMs: number): void {
  const { requestId, attempts } = request;
  ledger.ended({
    kind: "request_ended",
    requestId,
    state: "failed",
    endedAtMs,
    reason: GATEWAY_RESTARTED,
    attempts: attempts.length,
  });
}
