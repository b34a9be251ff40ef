import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
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
import { Book } from "./book.ts";
import type { JournalOptions } from "./journal-options.ts";
import { Journal } from "./journal.ts";
import { listSegments, segmentPath } from "./segments.ts";

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

describe("Journal", () => {
  test("has a forward on disk when its promise resolves, in a file for nobody else", async () => {
    const { journal } = openJournal();
    const record = forwarded("a");
    await journal.forwarded(record);
    expect((await readAll(folder)).all).toEqual([{ epoch: 1, seq: 1, segment: 1, record }]);
    expect(statSync(segmentPath(folder, 1)).mode & 0o777).toBe(0o600);
    await journal.close();
  });

  test("writes all records of one turn at once and none before the turn ends", async () => {
    const files = new TroubledFiles();
    const { journal } = openJournal({ files });
    const writesBefore = files.writes;
    const promises = Array.from({ length: 100 }, (_, index) => journal.forwarded(forwarded(`r${index}`)));
    await Promise.resolve();
    expect(files.writes).toBe(writesBefore);
    await Promise.all(promises);
    expect(files.writes).toBe(writesBefore + 1);
    for (let index = 0; index < 100; index++) {
      journal.ended(attemptEnded(`r${index}`));
      journal.ended(requestEnded(`r${index}`));
    }
    await endOfTurn();
    expect(files.writes).toBe(writesBefore + 2);
    expect((await briefs()).length).toBe(300);
    expect([...journal.openRequests()]).toEqual([]);
    await journal.close();
  });

  test("brings back every field of every record as it was given", async () => {
    const { journal } = openJournal();
    const records = [
      forwarded("a", 1, { priceVersion: undefined, tags: {}, stream: false }),
      attemptEnded("a", 1, {
        state: "failed",
        reason: "provider_error",
        httpStatus: undefined,
        upstreamRequestId: undefined,
        firstContentMs: undefined,
        usage: undefined,
        cost: undefined,
      }),
      forwarded("a", 2),
      attemptEnded("a", 2),
      requestEnded("a", { attempts: 2 }),
    ];
    for (const record of records) {
      if (record.kind === "forwarded") await journal.forwarded(record);
      else journal.ended(record);
    }
    await journal.close();
    expect((await readAll(folder)).all.map(({ record }) => record)).toEqual(records);
  });

  test("finishes a write that the file system takes in pieces", async () => {
    const files = new TroubledFiles();
    files.longestWrite = 7;
    const { journal } = openJournal({ files });
    await journal.forwarded(forwarded("a"));
    expect(await briefs()).toEqual(["forwarded a.1"]);
    await journal.close();
  });

  test("writes what is queued when it is closed, and takes nothing afterwards", async () => {
    const { journal, incidents } = openJournal();
    await journal.forwarded(forwarded("a"));
    journal.ended(attemptEnded("a"));
    await journal.close();
    await journal.close();
    await expect(journal.forwarded(forwarded("b"))).rejects.toThrow("Cannot record the attempt: the ledger is closed");
    journal.ended(requestEnded("a"));
    expect(incidents.map((one) => one.message)).toEqual([
      "Cannot record forwarded of request b: the ledger is closed",
      "Cannot record request_ended of request a: the ledger is closed",
    ]);
    expect(await briefs()).toEqual(["forwarded a.1", "a.1 completed"]);
  });

  test("never writes a second end, an end without a forward or a forward after the end", async () => {
    const { journal, incidents } = openJournal();
    await journal.forwarded(forwarded("a"));
    journal.ended(attemptEnded("a"));
    journal.ended(attemptEnded("a", 1, { state: "failed", reason: "cancelled" }));
    journal.ended(attemptEnded("a", 2));
    journal.ended(requestEnded("a"));
    journal.ended(requestEnded("a"));
    await expect(journal.forwarded(forwarded("a", 2))).rejects.toThrow("the request is completed");
    await journal.flush();
    journal.ended(requestEnded("a"));
    await journal.close();
    expect(await briefs()).toEqual(["forwarded a.1", "a.1 completed", "a completed"]);
    expect(incidents.map((one) => one.message.slice(one.message.indexOf(":") + 2))).toEqual([
      "attempt 1 is completed and cannot become failed",
      "attempt 2 was not forwarded",
      "the request is completed and cannot become completed",
      "the request is completed and cannot be forwarded",
      "it was never forwarded or has ended already",
    ]);
  });

  test("keeps no trace of a request that was never forwarded", async () => {
    const { journal, incidents } = openJournal();
    journal.ended(requestEnded("refused", { state: "failed", reason: "unauthenticated", attempts: 0 }));
    await journal.close();
    expect(await briefs()).toEqual([]);
    expect(incidents).toEqual([]);
  });
});

describe("Journal segments", () => {
  test("are rotated by size, each beginning with the open requests and nothing else", async () => {
    const { journal } = openJournal({ segmentBytes: 4_000 });
    await journal.forwarded(forwarded("long"));
    journal.ended(attemptEnded("long", 1, { state: "failed", reason: "provider_error" }));
    await journal.forwarded(forwarded("long", 2));
    for (let index = 0; index < 50; index++) {
      await journal.forwarded(forwarded(`r${index}`));
      journal.ended(attemptEnded(`r${index}`));
      journal.ended(requestEnded(`r${index}`));
    }
    await journal.close();
    const segments = listSegments(folder);
    expect(segments.length).toBeGreaterThan(5);
    for (const { path, segment } of segments.slice(1)) {
      const lines = readFileSync(path, "utf8").trimEnd().split("\n");
      const head = JSON.parse(lines[0]!) as { kind: string; segment: number; carried: number };
      expect(head).toMatchObject({ kind: "segment", segment });
      // The long request has three lines on disk; a short one may be open as well.
      expect(head.carried).toBeGreaterThanOrEqual(3);
      expect(head.carried).toBeLessThanOrEqual(5);
      expect(lines.slice(1, 4).map((line) => (JSON.parse(line) as { request: string }).request)).toEqual(
        Array(3).fill("long"),
      );
    }
    const { all, damage } = await readAll(folder);
    expect(damage).toEqual([]);
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 153 }, (_, index) => index + 1));
  });

  test("go on in the present file when a new one cannot be made", async () => {
    const files = new TroubledFiles();
    const { journal, incidents } = openJournal({ files, segmentBytes: 1_000 });
    files.openError = "EMFILE";
    for (let index = 0; index < 10; index++) await journal.forwarded(forwarded(`r${index}`));
    expect(listSegments(folder).length).toBe(1);
    expect(incidents[0]).toMatchObject({
      kind: "rotation_failed",
      message: expect.stringContaining("EMFILE") as string,
    });
    files.openError = undefined;
    for (let index = 10; index < 20; index++) await journal.forwarded(forwarded(`r${index}`));
    expect(listSegments(folder).length).toBeGreaterThan(1);
    await journal.close();
    const { all, damage } = await readAll(folder);
    expect([all.length, damage]).toEqual([20, []]);
  });
});
