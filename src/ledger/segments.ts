import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeLine, type DecodedLine, type Position, type SegmentHead } from "./format.ts";
import type { LedgerRecord } from "./records.ts";

/** One segment of the journal on disk. */
export interface SegmentFile {
  readonly path: string;
  /** From 1; the next one has the next number. */
  readonly segment: number;
}

const SEGMENT_NAME = /^ledger-(\d{8})\.jsonl$/;

/** Path of a segment. */
export function segmentPath(folder: string, segment: number): string {
  return join(folder, `ledger-${String(segment).padStart(8, "0")}.jsonl`);
}

/** The segments of a folder, oldest first; other files are left alone. Empty when there is no folder. */
export function listSegments(folder: string): SegmentFile[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return names
    .flatMap((name) => {
      const match = SEGMENT_NAME.exec(name);
      return match ? [{ path: join(folder, name), segment: Number(match[1]) }] : [];
    })
    .sort((a, b) => a.segment - b.segment);
}

/** A valid line with the text it was read from, or a broken one. */
type ScannedLine =
  | { readonly kind: "valid"; readonly line: DecodedLine; readonly text: string; readonly lineNumber: number }
  | { readonly kind: "broken"; readonly lineNumber: number };

/** The lines of a segment in order. What follows the last line feed is a broken line. Never guesses. */
function* scanLines(bytes: Buffer): Generator<ScannedLine> {
  let start = 0;
  for (let lineNumber = 1; start < bytes.length; lineNumber++) {
    const feed = bytes.indexOf(0x0a, start);
    const line = feed < 0 ? undefined : decodeLine(bytes.subarray(start, feed));
    const end = feed < 0 ? bytes.length : feed + 1;
    if (line) yield { kind: "valid", line, text: bytes.toString("utf8", start, end), lineNumber };
    else yield { kind: "broken", lineNumber };
    start = end;
  }
}

/** Something in the journal that is not as it was written. */
export interface JournalDamage {
  /** `torn`: lines cut off at the end of a segment; `corrupt`: broken lines before valid ones; `missing`: numbers without a line. */
  readonly kind: "torn" | "corrupt" | "missing";
  readonly segment: number;
  /** How many lines; of a torn tail at least one. */
  readonly lines: number;
}

/** A record with its place. */
export interface StoredRecord extends Position {
  readonly segment: number;
  /** The line as it stands on disk, with its line feed. */
  readonly text: string;
  readonly record: LedgerRecord;
}

/**
 * Follows the lines of segments in order and tells records from the copies of open requests with which a segment
 * begins: a record's position is after every one before it. Counts what is damaged.
 */
export class SegmentReader {
  readonly #onDamage: (damage: JournalDamage) => void;
  #last: Position = { epoch: 0, seq: 0 };
  /** Position of the latest segment's head: up to it, lines are copies. */
  #floor: Position = { epoch: 0, seq: 0 };
  #atFirstHead = true;

  constructor(onDamage: (damage: JournalDamage) => void) {
    this.#onDamage = onDamage;
  }

  /** Highest epoch seen; 0 when there was none. */
  get epoch(): number {
    return Math.max(this.#last.epoch, this.#floor.epoch);
  }

  /** The records of the next segment. */
  *read(segment: number, bytes: Buffer): Generator<StoredRecord> {
    let broken = 0;
    for (const scanned of scanLines(bytes)) {
      if (scanned.kind === "broken") {
        broken += 1;
        continue;
      }
      if (broken > 0) this.#onDamage({ kind: "corrupt", segment, lines: broken });
      const { epoch, seq, content } = scanned.line;
      if (content.kind === "segment") this.#passHead(segment, { epoch, seq }, broken);
      else if (this.#isNew(segment, { epoch, seq }, broken)) {
        yield { epoch, seq, segment, text: scanned.text, record: content };
      }
      broken = 0;
    }
    if (broken > 0) this.#onDamage({ kind: "torn", segment, lines: broken });
  }

  // Nothing is known of what preceded the first segment that is read.
  #passHead(segment: number, head: Position, broken: number): void {
    if (!this.#atFirstHead) this.#noteGap(segment, head, head.seq + 1, broken);
    this.#atFirstHead = false;
    this.#floor = head;
  }

  #isNew(segment: number, at: Position, broken: number): boolean {
    if (!isAfter(at, this.#last)) return false;
    if (isAfter(at, this.#floor)) this.#noteGap(segment, at, at.seq, broken);
    this.#last = at;
    return true;
  }

  #noteGap(segment: number, at: Position, nextSeq: number, broken: number): void {
    const before = isAfter(this.#last, this.#floor) ? this.#last : this.#floor;
    const lines = nextSeq - 1 - (at.epoch === before.epoch ? before.seq : 0) - broken;
    if (lines > 0) this.#onDamage({ kind: "missing", segment, lines });
  }
}

/**
 * The newest segments that hold everything about open requests: from the last one whose head is whole. Returns their
 * contents, oldest first; all segments when no head is whole.
 */
export function readOpenTail(segments: readonly SegmentFile[]): { segment: number; bytes: Buffer }[] {
  const tail: { segment: number; bytes: Buffer }[] = [];
  for (const { segment, path } of [...segments].reverse()) {
    const bytes = readFileSync(path);
    tail.unshift({ segment, bytes });
    if (hasWholeHead(bytes)) break;
  }
  return tail;
}

function hasWholeHead(bytes: Buffer): boolean {
  let head: SegmentHead | undefined;
  let copies = 0;
  for (const scanned of scanLines(bytes)) {
    if (scanned.kind === "broken") return false;
    const { content } = scanned.line;
    if (head) copies += 1;
    else if (content.kind !== "segment") return false;
    else head = content;
    if (copies === head.carried) return true;
  }
  return false;
}

function isAfter(a: Position, b: Position): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq);
}
