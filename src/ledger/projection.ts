import type { KnownRows, LedgerChanges } from "../store/ledger-store.ts";
import type {
  EventEntry,
  LedgerAttemptRow,
  LedgerCompensationRow,
  LedgerEventRow,
  ProjectorRow,
  SpendRow,
} from "../store/sql/tables-ledger.ts";
import { chargeOf } from "./charge.ts";
import { fillAttempt, fillFigures, unknownAttempt } from "./rows.ts";
import type {
  AttemptEndedRecord,
  CheckpointRecord,
  CompensatedRecord,
  ForwardedRecord,
  LedgerRecord,
  RequestEndedRecord,
} from "./records.ts";
import type { StoredRecord } from "./segments.ts";

/** A record of a journal with its place and its line. */
export type ProjectedRecord = Pick<StoredRecord, "epoch" | "seq" | "text" | "record">;

/**
 * Folds records into rows. Each record counts once, however often and from wherever it comes: what is at or before the
 * replica's position is left out, and so is what its attempt or request has had already.
 */
export class Projection {
  readonly #replica: string;
  readonly #position: ProjectorRow | undefined;
  readonly #attempts = new Map<string, LedgerAttemptRow>();
  readonly #compensated: Set<string>;
  readonly #changedAttempts = new Set<LedgerAttemptRow>();
  /** Place of the first line. */
  #first: Pick<LedgerEventRow, "epoch" | "seq"> | undefined;
  readonly #lines: string[] = [];
  readonly #compensations: LedgerCompensationRow[] = [];
  readonly #spend = new Map<string, SpendRow>();

  constructor(replica: string, known: KnownRows) {
    this.#replica = replica;
    this.#position = known.position;
    for (const row of known.attempts) this.#attempts.set(attemptKey(row.request_id, row.attempt), { ...row });
    this.#compensated = new Set(
      known.compensations.map((one) => compensationKey(one.request_id, one.attempt, one.compensation_id)),
    );
  }

  /** Takes the next record of the journal in. */
  add(stored: ProjectedRecord): void {
    const { epoch, seq, record } = stored;
    const at = this.#position;
    if (at && (epoch < at.epoch || (epoch === at.epoch && seq <= at.seq))) return;
    switch (record.kind) {
      case "forwarded":
        return this.#forwarded(stored, record);
      case "partially_streamed":
        return this.#streamed(stored, record);
      case "attempt_ended":
        return this.#attemptEnded(stored, record);
      case "request_ended":
        return this.#requestEnded(stored, record);
      case "compensated":
        return this.#compensate(stored, record);
    }
  }

  /** What has become of it; `position` is where the replica's journal goes on. */
  changes(position: ProjectorRow): LedgerChanges {
    return {
      position,
      events: this.#eventRows(),
      attempts: [...this.#changedAttempts],
      compensations: this.#compensations,
      spend: [...this.#spend.values()],
    };
  }

  #forwarded(stored: ProjectedRecord, record: ForwardedRecord): void {
    const row = this.#attempt(record);
    if (row.forwarded_at_ms > 0) return;
    fillAttempt(row, record);
    if (row.ended_at_ms === null) row.state = "forwarded";
    this.#note(stored, row, record.forwardedAtMs);
  }

  #streamed(stored: ProjectedRecord, record: CheckpointRecord): void {
    const row = this.#attempt(record);
    // Of two lines with the same content the later one tells no more.
    if (row.ended_at_ms !== null || record.atMs < (row.checkpoint_at_ms ?? 0)) return;
    row.state = "partially_streamed";
    row.checkpoint_at_ms = record.atMs;
    fillFigures(row, record.usage, record.cost);
    row.estimated = 1;
    this.#note(stored, row, record.atMs);
  }

  #attemptEnded(stored: ProjectedRecord, record: AttemptEndedRecord): void {
    const row = this.#attempt(record);
    if (row.ended_at_ms !== null) return;
    row.state = record.state;
    row.ended_at_ms = record.endedAtMs;
    row.reason = record.reason ?? "";
    row.http_status = record.httpStatus ?? null;
    row.upstream_request_id = record.upstreamRequestId ?? "";
    row.first_content_ms = record.firstContentMs === undefined ? null : Math.round(record.firstContentMs);
    fillFigures(row, record.usage, record.cost);
    const hold = row.held_nano_usd === null ? undefined : { nanoUsd: row.held_nano_usd, buckets: [] };
    const isHoldCharged = hold !== undefined && record.cost?.nanoUsd === undefined;
    row.estimated = isHoldCharged || record.cost?.estimated ? 1 : 0;
    this.#charge(row, chargeOf(hold, record));
    this.#note(stored, row, record.endedAtMs);
  }

  // A request has no row of its own: its last attempt keeps its end. It may be known already, from a folder that has lost
  // its name.
  #requestEnded(stored: ProjectedRecord, { kind, requestId, endedAtMs, attempts }: RequestEndedRecord): void {
    const row = this.#attempts.get(attemptKey(requestId, attempts));
    if (row?.records.includes(`["${kind}",`)) return;
    if (row) this.#enter(stored, row, endedAtMs);
    this.#line(stored);
  }

  #compensate(stored: ProjectedRecord, record: CompensatedRecord): void {
    const { requestId, attempt, compensationId, deltaNanoUsd, reason, actor, atMs } = record;
    const key = compensationKey(requestId, attempt, compensationId);
    if (this.#compensated.has(key)) return;
    this.#compensated.add(key);
    const row = this.#attempt(record);
    row.compensated_nano_usd += deltaNanoUsd;
    this.#charge(row, deltaNanoUsd);
    this.#compensations.push({
      request_id: requestId,
      attempt,
      compensation_id: compensationId,
      delta_nano_usd: deltaNanoUsd,
      reason,
      actor,
      at_ms: atMs,
    });
    this.#note(stored, row, atMs);
  }

  /** Adds to what an attempt counts as, in every bucket that it is charged to. */
  #charge(row: LedgerAttemptRow, nanoUsd: number): void {
    row.charged_nano_usd += nanoUsd;
    if (nanoUsd === 0) return;
    for (const [account, bucket] of JSON.parse(row.buckets) as [string, number][]) {
      const key = `${bucket} ${account}`;
      const known = this.#spend.get(key);
      if (known) known.nano_usd += nanoUsd;
      else this.#spend.set(key, { account, bucket, nano_usd: nanoUsd });
    }
  }

  #note(stored: ProjectedRecord, row: LedgerAttemptRow, atMs: number): void {
    row.events += 1;
    this.#enter(stored, row, atMs);
    this.#line(stored);
  }

  #enter({ epoch, seq, record }: ProjectedRecord, row: LedgerAttemptRow, atMs: number): void {
    const entry: EventEntry = [record.kind, atMs, epoch, seq];
    const text = JSON.stringify(row.replica === this.#replica ? entry : [...entry, this.#replica]);
    row.records = `${row.records.slice(0, -1)}${row.records === "[]" ? "" : ","}${text}]`;
    this.#changedAttempts.add(row);
  }

  #line({ epoch, seq, text }: ProjectedRecord): void {
    this.#first ??= { epoch, seq };
    this.#lines.push(text);
  }

  #eventRows(): LedgerEventRow[] {
    const lines = this.#lines;
    return this.#first ? [{ replica: this.#replica, ...this.#first, lines: lines.length, body: lines.join("") }] : [];
  }

  #attempt({ requestId, attempt }: { readonly requestId: string; readonly attempt: number }): LedgerAttemptRow {
    const key = attemptKey(requestId, attempt);
    let row = this.#attempts.get(key);
    if (!row) this.#attempts.set(key, (row = unknownAttempt(requestId, attempt, this.#replica)));
    return row;
  }
}

/** The requests that records are about. */
export function requestIdsOf(records: readonly { readonly record: LedgerRecord }[]): string[] {
  return [...new Set(records.map(({ record }) => record.requestId))];
}

const attemptKey = (requestId: string, attempt: number): string => `${attempt} ${requestId}`;

const compensationKey = (requestId: string, attempt: number, id: string): string =>
  `${attempt} ${requestId.length} ${requestId} ${id}`;
