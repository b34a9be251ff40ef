import fs from "node:fs";
import type { ProjectorRow } from "../store/sql/tables-ledger.ts";
import { decodeLine, type DecodedLine, type Position } from "./format.ts";
import type { WrittenGroup, WrittenUpTo } from "./journal-options.ts";
import type { ProjectedRecord } from "./projection.ts";
import { listSegments } from "./segments.ts";

/** Where a reader of the journal goes on: the last record it took, and the place of the next line. */
export type TailPosition = Omit<ProjectorRow, "replica">;

/** What a read of the tail has found. */
export interface TailBatch {
  readonly records: readonly ProjectedRecord[];
  /** Where to go on when these have been taken in. */
  readonly next: TailPosition;
  /** Whether there was no more that is safe. */
  readonly isLast: boolean;
}

const LINE_FEED = 0x0a;
const READ_BYTES = 64 * 1024;
/** Most records that are kept for the next read, some 20 MB; what is older is read from the file. */
const MAX_OFFERED = 16_384;

/**
 * Reads a journal from a position on while it is being written, one batch at a time. Only what the journal says is safe is
 * taken: a group behind it may still be taken back. Copies of open requests, with which segments begin, are known
 * already; broken lines are skipped and counted. What has just been written is handed over by the journal, since reading
 * it again costs more than all the rest; the file is read after a start, and where the reader has fallen far behind.
 */
export class JournalTail {
  readonly #folder: string;
  #last: Position;
  #segment: number;
  #offset: number;
  #fd: number | undefined;
  /** What the journal has handed over, without gaps. */
  #offered: WrittenGroup[] = [];
  #offeredRecords = 0;
  /** Lines that could not be read. */
  brokenLines = 0;

  /** Undefined: from the journal's beginning. Throws what the file system throws. */
  constructor(folder: string, position: TailPosition | undefined) {
    this.#folder = folder;
    this.#last = { epoch: position?.epoch ?? 0, seq: position?.seq ?? 0 };
    this.#segment = position?.segment ?? 0;
    this.#offset = position?.offset_bytes ?? 0;
    if (this.#open() && this.#isWhereItWas()) return;
    // The files are others than those that were read: what of them is known is told by its number.
    this.close();
    this.#segment = 0;
    this.#offset = 0;
  }

  /** The segment that is being read: all before it have been read whole. */
  get segment(): number {
    return this.#segment;
  }

  /** Takes over what was written, in its order. */
  offer(group: WrittenGroup): void {
    if (this.#offeredRecords >= MAX_OFFERED) {
      this.#offered = [];
      this.#offeredRecords = 0;
    }
    this.#offered.push(group);
    this.#offeredRecords += group.records.length;
  }

  /** About `max` records; the next call goes on behind them. Throws what the file system throws. */
  read(max: number, upTo: WrittenUpTo): TailBatch {
    const records: ProjectedRecord[] = [];
    let isLast = false;
    while (!isLast && records.length < max) {
      this.#takeOffered(records, max);
      if (records.length >= max) break;
      if (this.#segment >= upTo.segment && !isAfter(upTo, this.#last)) {
        isLast = true;
        break;
      }
      const found = this.#readLines(records, max, upTo);
      isLast = found === "unsafe" || (found === "end" && !this.#goOn(upTo));
    }
    const next = { ...this.#last, segment: this.#segment, offset_bytes: this.#offset };
    return { records, next, isLast };
  }

  /** Lets the file go. */
  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
  }

  // Only what follows what was read last: before it there may be lines that nobody has handed over.
  #takeOffered(records: ProjectedRecord[], max: number): void {
    let groups = 0;
    for (const { records: written, segment, endBytes } of this.#offered) {
      const [first, last] = [written[0]!, written.at(-1)!];
      if (isAfter(last, this.#last)) {
        if (records.length >= max || first.epoch !== this.#last.epoch || first.seq > this.#last.seq + 1) break;
        for (const one of written) if (isAfter(one, this.#last)) records.push(one);
        this.#last = { epoch: last.epoch, seq: last.seq };
        if (segment !== this.#segment) this.close();
        this.#segment = segment;
        this.#offset = endBytes;
      }
      groups += 1;
      this.#offeredRecords -= written.length;
    }
    if (groups > 0) this.#offered = this.#offered.slice(groups);
  }

  // `end`: the segment has no whole line any more. `unsafe`: it has, but the journal may still take it back.
  #readLines(records: ProjectedRecord[], max: number, upTo: WrittenUpTo): "more" | "end" | "unsafe" {
    // It is closed where the journal has handed over the beginning of a segment.
    if (this.#fd === undefined && !this.#open()) return "end";
    const bytes = this.#wholeLines(this.#fd!);
    if (!bytes) return "end";
    for (let start = 0; records.length < max;) {
      const feed = bytes.indexOf(LINE_FEED, start);
      if (feed < 0) break;
      const line = decodeLine(bytes.subarray(start, feed));
      if (!this.#isSafe(line, upTo)) return "unsafe";
      if (!line) this.brokenLines += 1;
      else if (line.content.kind !== "segment" && isAfter(line, this.#last)) {
        this.#last = { epoch: line.epoch, seq: line.seq };
        records.push({ ...this.#last, text: bytes.toString("utf8", start, feed + 1), record: line.content });
      }
      this.#offset += feed + 1 - start;
      start = feed + 1;
    }
    return "more";
  }

  // A broken line between safe ones is damage; behind the last of them it is what a failed write has left.
  #isSafe(line: DecodedLine | undefined, upTo: WrittenUpTo): boolean {
    if (line) return line.content.kind === "segment" || !isAfter(line, upTo);
    return this.#segment < upTo.segment || isAfter(upTo, this.#last);
  }

  /** Bytes from the place on that hold a line or more; undefined: there is none. */
  #wholeLines(fd: number): Buffer | undefined {
    for (let size = READ_BYTES; ; size *= 2) {
      const bytes = Buffer.allocUnsafe(size);
      const count = fs.readSync(fd, bytes, 0, size, this.#offset);
      const read = bytes.subarray(0, count);
      if (read.includes(LINE_FEED)) return read;
      if (count < size) return undefined;
    }
  }

  /** Goes on to the next segment, if there is one. A segment gets no more lines once the next one exists. */
  #goOn(upTo: WrittenUpTo): boolean {
    if (this.#fd !== undefined && this.#segment >= upTo.segment) return false;
    const next = listSegments(this.#folder).find(({ segment }) => segment > this.#segment);
    if (!next) return false;
    this.close();
    this.#segment = next.segment;
    this.#offset = 0;
    return this.#open();
  }

  #open(): boolean {
    const file = listSegments(this.#folder).find(({ segment }) => segment === this.#segment);
    if (file) this.#fd = fs.openSync(file.path, "r");
    return this.#fd !== undefined;
  }

  // A file that begins behind what was read last is not the one in which that stood.
  #isWhereItWas(): boolean {
    const offset = this.#offset;
    this.#offset = 0;
    const bytes = this.#wholeLines(this.#fd!);
    this.#offset = offset;
    const head = bytes && decodeLine(bytes.subarray(0, bytes.indexOf(LINE_FEED)));
    return head !== undefined && !isAfter(head, this.#last) && fs.fstatSync(this.#fd!).size >= offset;
  }
}

function isAfter(a: Position, b: Position): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq);
}
