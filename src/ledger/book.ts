import type { CheckpointRecord, ForwardedRecord, LedgerRecord } from "./records.ts";
import { ATTEMPT_TRANSITIONS, illegality, UNSEEN, type AttemptState, type RequestState } from "./transitions.ts";

/** A line of the journal as it stands on disk, with its place. */
export interface WrittenLine {
  readonly epoch: number;
  readonly seq: number;
  /** With its line feed. */
  readonly text: string;
}

/** A request whose end is not on disk yet. */
export interface OpenRequest {
  readonly requestId: string;
  state: RequestState;
  readonly attempts: OpenAttempt[];
  /** Its records on disk, which a new segment begins with; checkpoints are with their attempts. */
  readonly lines: WrittenLine[];
}

/** An attempt of an open request. */
export interface OpenAttempt {
  readonly record: ForwardedRecord;
  readonly attempt: number;
  state: AttemptState;
  /** The last one on disk: those before it say nothing more. */
  checkpoint: { readonly record: CheckpointRecord; readonly line: WrittenLine } | undefined;
}

/**
 * The open requests. States move when a record is accepted, lines are added when it is on disk, and a request leaves
 * only when its end is on disk: so a segment's head always knows everything that a restart would have to close.
 */
export class Book {
  // Not a Map: one that lives as long as the process and changes with every request keeps garbage alive (swap-list.ts).
  readonly #open: Record<string, OpenRequest> = Object.create(null) as Record<string, OpenRequest>;
  #size = 0;

  /** Number of requests without an end on disk. */
  get size(): number {
    return this.#size;
  }

  /** Open requests, oldest first. */
  requests(): Iterable<OpenRequest> {
    return Object.values(this.#open);
  }

  /** Whether what the record ends is open or was open: false once its forward was taken back. */
  knows(record: LedgerRecord): boolean {
    const request = this.#open[record.requestId];
    if (!request || record.kind === "request_ended") return request !== undefined;
    return request.attempts.some((one) => one.attempt === record.attempt);
  }

  /** Takes a record in, or says in a sentence why it is not legal and changes nothing. */
  accept(record: LedgerRecord): string | undefined {
    const known = this.#open[record.requestId];
    if (!known && record.kind === "request_ended") return "it was never forwarded or has ended already";
    const problem = illegality(known ?? UNSEEN, record);
    if (problem !== undefined || record.kind === "compensated") return problem;
    if (record.kind === "forwarded") {
      const request = known ?? { requestId: record.requestId, state: "received", attempts: [], lines: [] };
      request.state = "admitted";
      request.attempts.push({ record, attempt: record.attempt, state: "forwarded", checkpoint: undefined });
      if (!known) {
        this.#open[record.requestId] = request;
        this.#size += 1;
      }
    } else if (known) {
      if (record.kind === "request_ended") known.state = record.state;
      else attemptOf(known, record)!.state = record.kind === "attempt_ended" ? record.state : record.kind;
    }
    return undefined;
  }

  /** Notes that an accepted record is on disk. */
  written(record: LedgerRecord, line: WrittenLine): void {
    if (record.kind === "compensated") return;
    if (record.kind === "request_ended") return this.#remove(record.requestId);
    const request = this.#open[record.requestId];
    if (!request) return;
    if (record.kind === "forwarded") return void request.lines.push(line);
    const attempt = attemptOf(request, record);
    if (record.kind === "attempt_ended") request.lines.push(line);
    if (attempt) attempt.checkpoint = record.kind === "attempt_ended" ? undefined : { record, line };
  }

  /** Takes back a forward that could not be written: it was never sent. */
  undo(record: ForwardedRecord): void {
    const request = this.#open[record.requestId];
    if (!request) return;
    const index = request.attempts.findIndex((one) => one.record === record);
    if (index >= 0) request.attempts.splice(index, 1);
    if (request.attempts.length === 0) this.#remove(record.requestId);
  }

  #remove(requestId: string): void {
    if (!(requestId in this.#open)) return;
    delete this.#open[requestId];
    this.#size -= 1;
  }

  /** Lines that a new segment must begin with, in the order in which they were written. */
  carried(): WrittenLine[] {
    const lines: WrittenLine[] = [];
    for (const request of this.requests()) {
      lines.push(...request.lines);
      for (const { checkpoint } of request.attempts) if (checkpoint) lines.push(checkpoint.line);
    }
    return lines.sort((a, b) => a.epoch - b.epoch || a.seq - b.seq);
  }
}

/** Attempts of a request that have no end. */
export function openAttempts(request: OpenRequest): OpenAttempt[] {
  return request.attempts.filter((one) => ATTEMPT_TRANSITIONS[one.state].length > 0);
}

function attemptOf(request: OpenRequest, { attempt }: { readonly attempt: number }): OpenAttempt | undefined {
  return request.attempts.find((one) => one.attempt === attempt);
}
