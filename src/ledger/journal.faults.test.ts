import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  attemptEnded,
  brief,
  forwarded,
  journalOptions,
  readAll,
  requestEnded,
  TroubledFiles,
} from "../../test/support/ledger.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { Book } from "./book.ts";
import type { JournalOptions } from "./journal-options.ts";
import { Journal } from "./journal.ts";
import { listSegments } from "./segments.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-journal-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function openJournal(more: Partial<JournalOptions> = {}) {
  const { options, incidents } = journalOptions(folder, more);
  return { journal: new Journal(options, 1, 1, new Book()), incidents };
}

const briefs = async () => (await readAll(folder)).all.map(({ record }) => brief(record));

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

describe("Journal on a disk that refuses writes", () => {
  test("refuses forwards, keeps ends and writes them when the disk works again", async () => {
    const files = new TroubledFiles();
    const virtual = new VirtualRuntime();
    const { journal, incidents } = openJournal({ files, runtime: virtual });
    await journal.forwarded(forwarded("a"));
    files.writeError = "ENOSPC";
    files.bytesBeforeFailure = 40;
    journal.ended(attemptEnded("a"));
    const refused = journal.forwarded(forwarded("b"));
    await expect(refused).rejects.toThrow("Cannot forward the request: the ledger cannot be written (ENOSPC)");
    await expect(refused).rejects.toMatchObject({ row: { httpStatus: 503, retryable: true } });
    expect(journal.writable).toBe(false);
    journal.ended(requestEnded("b", { state: "failed", reason: "gateway_overloaded", attempts: 0 }));
    expect(await readAll(folder)).toMatchObject({ all: [{ seq: 1 }], damage: [] });

    files.writeError = undefined;
    await virtual.advance(100);
    expect(journal.writable).toBe(true);
    journal.ended(requestEnded("a"));
    await journal.forwarded(forwarded("c"));
    expect(await briefs()).toEqual(["forwarded a.1", "a.1 completed", "a completed", "forwarded c.1"]);
    expect((await readAll(folder)).all.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(incidents.map((one) => one.kind)).toEqual(["write_failed", "write_recovered"]);
    expect(virtual.pendingTimers).toBe(0);
    await journal.close();
  });

  test("recovers with the next forward when no end was waiting", async () => {
    const files = new TroubledFiles();
    const { journal } = openJournal({ files });
    files.writeError = "EIO";
    await expect(journal.forwarded(forwarded("a"))).rejects.toThrow("(EIO)");
    files.writeError = undefined;
    await journal.forwarded(forwarded("a"));
    expect(await briefs()).toEqual(["forwarded a.1"]);
    await journal.close();
  });

  test("writes nothing behind the remains of a failed write that it cannot cut off yet", async () => {
    const files = new TroubledFiles();
    const { journal } = openJournal({ files });
    files.writeError = "ENOSPC";
    files.bytesBeforeFailure = 40;
    files.truncateError = "EIO";
    await expect(journal.forwarded(forwarded("a"))).rejects.toThrow("(ENOSPC)");
    files.writeError = undefined;
    await expect(journal.forwarded(forwarded("a"))).rejects.toThrow("(EIO)");
    expect((await readAll(folder)).damage).toEqual([{ kind: "torn", segment: 1, lines: 1 }]);
    files.truncateError = undefined;
    await journal.forwarded(forwarded("a"));
    expect(await readAll(folder)).toMatchObject({ all: [{ seq: 1 }], damage: [] });
    await journal.close();
  });

  test("drops the end of an attempt whose forward was refused in the same turn", async () => {
    const files = new TroubledFiles();
    const { journal } = openJournal({ files });
    await journal.forwarded(forwarded("a"));
    journal.ended(attemptEnded("a", 1, { state: "failed", reason: "provider_error" }));
    files.writeError = "ENOSPC";
    const refused = journal.forwarded(forwarded("a", 2));
    journal.ended(attemptEnded("a", 2, { state: "failed", reason: "cancelled" }));
    journal.ended(requestEnded("a", { state: "failed", reason: "cancelled" }));
    await expect(refused).rejects.toThrow("(ENOSPC)");
    files.writeError = undefined;
    await journal.close();
    expect(await briefs()).toEqual(["forwarded a.1", "a.1 failed provider_error", "a failed cancelled"]);
  });

  test("says so when it is closed before the disk works again", async () => {
    const files = new TroubledFiles();
    const { journal } = openJournal({ files });
    await journal.forwarded(forwarded("a"));
    files.writeError = "ENOSPC";
    journal.ended(attemptEnded("a"));
    await expect(journal.close()).rejects.toThrow("Cannot write the ledger: the disk refuses writes");
    files.writeError = undefined;
    const writes = files.writes;
    await endOfTurn();
    expect(files.writes).toBe(writes);
  });
});

describe("Journal with durability full", () => {
  test("resolves a forward only after its sync, and groups what comes while one runs", async () => {
    const files = new TroubledFiles();
    files.heldSyncs = [];
    const { journal } = openJournal({ files, durability: "full" });
    const order: string[] = [];
    const first = journal.forwarded(forwarded("a")).then(() => order.push("a"));
    await endOfTurn();
    expect(files.heldSyncs.length).toBe(1);
    const later = ["b", "c", "d"].map((id) => journal.forwarded(forwarded(id)).then(() => order.push(id)));
    await endOfTurn();
    journal.ended(attemptEnded("a"));
    await endOfTurn();
    expect([files.syncs, order]).toEqual([1, []]);
    files.heldSyncs.shift()!();
    await first;
    expect(order).toEqual(["a"]);
    expect(files.heldSyncs.length).toBe(1);
    files.heldSyncs.shift()!();
    await Promise.all(later);
    expect(files.syncs).toBe(2);
    files.heldSyncs = undefined;
    await journal.close();
    expect(await briefs()).toEqual([
      "forwarded a.1",
      "forwarded b.1",
      "forwarded c.1",
      "forwarded d.1",
      "a.1 completed",
    ]);
  });

  test("gives up a segment whose sync failed: refuses its forwards, keeps its ends, goes on in a new one", async () => {
    const files = new TroubledFiles();
    const virtual = new VirtualRuntime();
    const { journal } = openJournal({ files, durability: "full", runtime: virtual });
    await journal.forwarded(forwarded("a"));
    files.syncError = "EIO";
    journal.ended(attemptEnded("a"));
    await expect(journal.forwarded(forwarded("b"))).rejects.toThrow("(EIO)");
    files.syncError = undefined;
    await journal.forwarded(forwarded("c"));
    expect(listSegments(folder).map((one) => one.segment)).toEqual([1, 2]);
    await journal.close();
    const { all, damage } = await readAll(folder);
    expect(damage).toEqual([]);
    expect(all.map(({ segment, seq, record }) => `${segment}:${seq} ${brief(record)}`)).toEqual([
      "1:1 forwarded a.1",
      "2:2 a.1 completed",
      "2:3 forwarded c.1",
    ]);
  });
});
