import { crc32 } from "node:zlib";
import { ParleyError } from "../errors/index.ts";
import { contentFromJson, contentToJson, type LineJson } from "./record-json.ts";
import type { LedgerRecord } from "./records.ts";

/** Version of the journal's lines. A higher one on disk is refused: it was written by a newer Parley. */
// 2 has checkpoints and compensations.
const FORMAT_VERSION = 2;

/** Where a record stands: the process that wrote it, and its number in that process from 1 without gaps. */
export interface Position {
  readonly epoch: number;
  readonly seq: number;
}

/** First line of a segment. */
export interface SegmentHead {
  readonly kind: "segment";
  /** Number of the segment, from 1. */
  readonly segment: number;
  /** How many copied lines of open requests follow. */
  readonly carried: number;
  /** Wall clock in milliseconds. */
  readonly madeAtMs: number;
}

/** One valid line. The position of a segment's head is that of the last record before it. */
export type DecodedLine = Position & { readonly content: LedgerRecord | SegmentHead };

const CRC_PREFIX = ',"crc":"';
const CRC_LENGTH = CRC_PREFIX.length + 8 + '"}'.length;

/** The line of a record or head: one JSON object whose last member is the CRC-32 of what precedes it, and a line feed. */
export function encodeLine({ epoch, seq }: Position, content: LedgerRecord | SegmentHead): string {
  const body = JSON.stringify(contentToJson(FORMAT_VERSION, epoch, seq, content)).slice(0, -1);
  return `${body}${CRC_PREFIX}${crc32(body).toString(16).padStart(8, "0")}"}\n`;
}

/**
 * Reads one line without its line feed; undefined when it is torn or damaged. Throws `MISCONFIGURED` for a whole line of
 * a newer version: what cannot be understood must not be closed as if it were.
 */
export function decodeLine(line: Buffer): DecodedLine | undefined {
  if (line.length <= CRC_LENGTH) return undefined;
  const body = line.subarray(0, line.length - CRC_LENGTH);
  const expected = `${CRC_PREFIX}${crc32(body).toString(16).padStart(8, "0")}"}`;
  if (line.toString("latin1", body.length) !== expected) return undefined;
  const json = JSON.parse(`${body.toString("utf8")}}`) as LineJson;
  if (json.v > FORMAT_VERSION) {
    throw new ParleyError(
      "MISCONFIGURED",
      `Cannot read the ledger: version ${json.v} of its lines is newer than ${FORMAT_VERSION}; start the Parley that wrote it`,
    );
  }
  return { epoch: json.epoch, seq: json.seq, content: contentFromJson(json) };
}
