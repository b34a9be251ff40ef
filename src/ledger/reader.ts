import { readFile } from "node:fs/promises";
import { listSegments, SegmentReader, type JournalDamage, type StoredRecord } from "./segments.ts";

/** A record with its place, as a projection sees it. */
export type ReadRecord = Omit<StoredRecord, "text">;

/**
 * All records of a journal in the order in which they were written, each once. A journal that is being written may be
 * read: its last line may then count as torn. Damage is told to `onDamage` and skipped. Holds one segment in memory.
 */
export async function* readLedger(
  folder: string,
  onDamage: (damage: JournalDamage) => void = () => {},
): AsyncGenerator<ReadRecord, void, undefined> {
  const reader = new SegmentReader(onDamage);
  for (const { segment, path } of listSegments(folder)) {
    for (const { epoch, seq, record } of reader.read(segment, await readFile(path))) {
      yield { epoch, seq, segment, record };
    }
  }
}
