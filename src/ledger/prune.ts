import { open, rm } from "node:fs/promises";
import { crashPoint } from "../runtime/crash-point.ts";
import type { LedgerStore } from "../store/ledger-store.ts";
import { listSegments } from "./segments.ts";

/**
 * Deletes the segments before the given one, of which every line is projected. What takes their place is brought to the
 * disk first: the rows, and the segment with its copies of what is open. Resolves with how many there were. Rejects with
 * what the file system or the database says; then nothing is lost, and the next call tries again.
 */
export async function pruneSegments(folder: string, before: number, store: LedgerStore): Promise<number> {
  const segments = listSegments(folder);
  const old = segments.filter(({ segment }) => segment < before);
  const next = segments.find(({ segment }) => segment === before);
  if (old.length === 0 || !next) return 0;
  await store.sync();
  await syncFile(next.path);
  await syncFile(folder);
  crashPoint("segments_replaced");
  for (const { path } of old) {
    await rm(path, { force: true });
    crashPoint("segment_deleted");
  }
  return old.length;
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
