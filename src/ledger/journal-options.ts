import type { Runtime } from "../runtime/runtime.ts";
import type { JournalFiles } from "./segment-writer.ts";
import type { StoredRecord } from "./segments.ts";

/** What the journal needs of time. */
export type JournalRuntime = Pick<Runtime, "nowMs" | "setTimer" | "afterTurn">;

/** Something about the journal that an operator should see. `message` is a sentence without any request's content. */
export interface JournalIncident {
  readonly kind: "write_failed" | "write_recovered" | "rotation_failed" | "illegal_record";
  readonly message: string;
}

/** How a journal is written. */
export interface JournalOptions {
  readonly folder: string;
  /** `os`: a record is safe when the operating system has it; `full`: when the disk has it. */
  readonly durability: "os" | "full";
  readonly runtime: JournalRuntime;
  readonly onIncident: (incident: JournalIncident) => void;
  /** Told of each group that is safe. */
  readonly onWritten?: (group: WrittenGroup) => void;
  /** Size at which a segment is followed by a new one. */
  readonly segmentBytes?: number;
  readonly files?: JournalFiles;
}

/** Records that were written together, in their order and as they stand in their segment. */
export interface WrittenGroup {
  readonly records: readonly Omit<StoredRecord, "segment">[];
  readonly segment: number;
  /** Where the next line will stand. */
  readonly endBytes: number;
}

/** How far a journal is safe. What stands behind it may still be taken back. */
export interface WrittenUpTo {
  readonly epoch: number;
  readonly seq: number;
  readonly segment: number;
}
