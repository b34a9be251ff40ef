import fs from "node:fs";
import { ParleyError } from "../errors/index.ts";
import { crashPoint, crashPointOf } from "../runtime/crash-point.ts";
import type { Timer } from "../runtime/runtime.ts";
import type { Book, OpenRequest } from "./book.ts";
import { encodeLine } from "./format.ts";
import type { JournalOptions, WrittenUpTo } from "./journal-options.ts";
import type {
  AttemptEndedRecord,
  CheckpointRecord,
  CompensatedRecord,
  ForwardedRecord,
  Ledger,
  LedgerRecord,
  RequestEndedRecord,
} from "./records.ts";
import { SegmentWriter, type JournalFiles } from "./segment-writer.ts";
import { segmentPath } from "./segments.ts";

const DEFAULT_SEGMENT_BYTES = 32 * 1024 * 1024;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

/** Records of one turn, written together. */
interface Group {
  readonly records: LedgerRecord[];
  /** Made when the first forward asks for it. */
  written: PromiseWithResolvers<void> | undefined;
}

/**
 * The append-only journal. Records of one turn of the event loop are one write; with `full` they are also one sync, and
 * groups queue while it runs. A group that cannot be written rejects its forwards and keeps its ends, which are written
 * as soon as the disk takes them.
 */
export class Journal implements Ledger {
  readonly epoch: number;
  readonly #options: JournalOptions;
  readonly #files: JournalFiles;
  readonly #book: Book;
  readonly #segmentBytes: number;
  #writer: SegmentWriter;
  #segment: number;
  /** Size of the segment from which on a new one is tried. */
  #rotateAtBytes: number;
  #seq = 0;
  #queue: Group = newGroup();
  #scheduled = false;
  #syncing: Promise<void> | undefined;
  #retry: Timer | undefined;
  #retryMs = FIRST_RETRY_MS;
  #failing = false;
  /** Takes no more records. */
  #closing = false;
  /** Writes no more. */
  #closed = false;

  /** Begins a new segment that holds what `book` knows to be open. Throws `MISCONFIGURED` when it cannot. */
  constructor(options: JournalOptions, epoch: number, segment: number, book: Book) {
    this.#options = options;
    this.#files = options.files ?? fs;
    this.#segmentBytes = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES;
    this.epoch = epoch;
    this.#book = book;
    this.#segment = segment;
    try {
      this.#writer = this.#beginSegment(segment);
    } catch (error) {
      const message = `Cannot open the ledger in ${options.folder}: a new segment cannot be written (${codeOf(error)})`;
      throw new ParleyError("MISCONFIGURED", message, { cause: error });
    }
    this.#rotateAtBytes = this.#writer.sizeBytes + this.#segmentBytes;
  }

  /** False while the disk refuses writes: then forwards are refused. */
  get writable(): boolean {
    return !this.#failing;
  }

  /** Requests without an end on disk, oldest first. */
  openRequests(): Iterable<OpenRequest> {
    return this.#book.requests();
  }

  /** Where the last record that is safe stands, and in which segment. */
  get written(): WrittenUpTo {
    return { epoch: this.epoch, seq: this.#seq, segment: this.#segment };
  }

  forwarded(record: ForwardedRecord): Promise<void> {
    return this.#append(record);
  }

  /** Resolves when the correction is safe. Rejects when it cannot be written, or the attempt has not ended. */
  compensated(record: CompensatedRecord): Promise<void> {
    return this.#append(record);
  }

  streamed(record: CheckpointRecord): void {
    const problem = this.#closing ? "" : this.#book.accept(record);
    // An attempt may go on for a moment after the ledger was closed.
    if (problem === "") return;
    if (problem !== undefined) return this.#illegal(record, problem);
    this.#enqueue(record);
  }

  ended(record: AttemptEndedRecord | RequestEndedRecord): void {
    const problem = this.#whyNotEnd(record);
    if (problem === "") return;
    if (problem !== undefined) return this.#illegal(record, problem);
    this.#enqueue(record);
  }

  /** Resolves when everything queued so far is written. Rejects when the disk refuses it. */
  async flush(): Promise<void> {
    while (!this.#closed && (this.#queue.records.length > 0 || this.#syncing)) {
      if (this.#syncing) await this.#syncing;
      else this.#writeGroup();
      if (this.#failing) throw new ParleyError("GATEWAY_INTERNAL", "Cannot write the ledger: the disk refuses writes");
    }
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    try {
      await this.flush();
    } finally {
      this.#closed = true;
      this.#retry?.cancel();
      this.#writer.close();
    }
  }

  #append(record: ForwardedRecord | CompensatedRecord): Promise<void> {
    const problem = this.#closing ? "the ledger is closed" : this.#book.accept(record);
    if (problem !== undefined) {
      this.#illegal(record, problem);
      return Promise.reject(new ParleyError("GATEWAY_INTERNAL", `Cannot record the attempt: ${problem}`));
    }
    this.#enqueue(record);
    this.#queue.written ??= Promise.withResolvers<void>();
    return this.#queue.written.promise;
  }

  // "": nothing is wrong and there is nothing to write.
  #whyNotEnd(record: AttemptEndedRecord | RequestEndedRecord): string | undefined {
    if (this.#closing) return "the ledger is closed";
    // A request that never left the gateway leaves no trace here: a refusal must not cost a write.
    if (record.kind === "request_ended" && record.attempts === 0 && !this.#book.knows(record)) return "";
    return this.#book.accept(record);
  }

  #enqueue(record: LedgerRecord): void {
    this.#queue.records.push(record);
    crashPointOf(record.kind, "queued");
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.runtime.afterTurn(() => {
      this.#scheduled = false;
      this.#writeGroup();
    });
  }

  #writeGroup(): void {
    // While a sync runs the queue grows; its end writes it. flush() may have written it already.
    if (this.#closed || this.#syncing || this.#queue.records.length === 0) return;
    const group = this.#queue;
    this.#queue = newGroup();
    this.#rotateWhenDue();
    const sizeBefore = this.#writer.sizeBytes;
    const lines = group.records.map((record, index) =>
      encodeLine({ epoch: this.epoch, seq: this.#seq + index + 1 }, record),
    );
    try {
      this.#writer.append(lines.join(""));
    } catch (error) {
      return this.#refuse(group, error);
    }
    if (this.#options.durability === "os") return this.#confirm(group, lines);
    this.#syncing = new Promise((resolve) => {
      this.#writer.sync((error) => {
        this.#syncing = undefined;
        if (error) {
          this.#abandonSegment(sizeBefore);
          this.#refuse(group, error);
          // Ends wait for the retry; forwards that came meanwhile are tried at once.
          if (this.#queue.written) this.#schedule();
        } else {
          this.#confirm(group, lines);
          this.#writeGroup();
        }
        resolve();
      });
    });
  }

  #confirm(group: Group, lines: readonly string[]): void {
    const { epoch } = this;
    const records = group.records.map((record, index) => ({ epoch, seq: ++this.#seq, text: lines[index]!, record }));
    for (const { seq, text, record } of records) {
      this.#book.written(record, { epoch, seq, text });
      crashPointOf(record.kind, "written");
    }
    if (this.#failing) {
      this.#failing = false;
      this.#retryMs = FIRST_RETRY_MS;
      this.#options.onIncident({ kind: "write_recovered", message: "The ledger can be written again" });
    }
    group.written?.resolve();
    this.#options.onWritten?.({ records, segment: this.#segment, endBytes: this.#writer.sizeBytes });
  }

  #refuse(group: Group, error: unknown): void {
    const message = `Cannot write the ledger: the disk refuses it (${codeOf(error)}); requests are refused until it works`;
    if (!this.#failing) this.#options.onIncident({ kind: "write_failed", message });
    this.#failing = true;
    for (const record of group.records) if (record.kind === "forwarded") this.#book.undo(record);
    const ends = group.records.filter((record) => isEnd(record) && this.#book.knows(record));
    this.#queue.records.unshift(...ends);
    if (ends.length > 0) this.#retryLater();
    const text = `Cannot forward the request: the ledger cannot be written (${codeOf(error)})`;
    group.written?.reject(new ParleyError("GATEWAY_OVERLOADED", text, { cause: error, retryDelayMs: this.#retryMs }));
  }

  #retryLater(): void {
    if (this.#retry || this.#closing) return;
    this.#retry = this.#options.runtime.setTimer(this.#retryMs, () => {
      this.#retry = undefined;
      this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
      this.#writeGroup();
    });
  }

  #rotateWhenDue(): void {
    if (this.#writer.sizeBytes < this.#rotateAtBytes) return;
    try {
      const before = this.#writer;
      before.cutRemains();
      const next = this.#beginSegment(this.#segment + 1);
      crashPoint("segment_begun");
      this.#writer = next;
      this.#segment += 1;
      this.#rotateAtBytes = next.sizeBytes + this.#segmentBytes;
      before.close();
    } catch (error) {
      this.#rotateAtBytes = this.#writer.sizeBytes + this.#segmentBytes / 8;
      const message = `Cannot begin a new segment of the ledger (${codeOf(error)}); the present one goes on`;
      this.#options.onIncident({ kind: "rotation_failed", message });
    }
  }

  #beginSegment(segment: number): SegmentWriter {
    const writer = new SegmentWriter(segmentPath(this.#options.folder, segment), this.#files);
    try {
      const carried = this.#book.carried();
      const madeAtMs = this.#options.runtime.nowMs();
      const head = { kind: "segment", segment, carried: carried.length, madeAtMs } as const;
      const copies = carried.map((line) => line.text).join("");
      writer.append(encodeLine({ epoch: this.epoch, seq: this.#seq }, head) + copies);
      if (this.#options.durability === "full") writer.syncFolder();
      return writer;
    } catch (error) {
      writer.discard();
      throw error;
    }
  }

  // After a failed sync the system may have forgotten the pages: this file is not synced again.
  #abandonSegment(sizeBytes: number): void {
    this.#writer.rollBack(sizeBytes);
    this.#rotateAtBytes = 0;
  }

  #illegal(record: LedgerRecord, problem: string): void {
    const message = `Cannot record ${record.kind} of request ${record.requestId}: ${problem}`;
    this.#options.onIncident({ kind: "illegal_record", message });
  }
}

// The rest is refused to whoever asked for it, or not worth a second try.
function isEnd(record: LedgerRecord): boolean {
  return record.kind === "attempt_ended" || record.kind === "request_ended";
}

function newGroup(): Group {
  return { records: [], written: undefined };
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "unknown error";
}
