import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { attemptEnded, forwarded, requestEnded } from "../../test/support/ledger.ts";
import { realRuntime } from "../runtime/real.ts";
import { Book } from "./book.ts";
import { Journal } from "./journal.ts";
import { JournalTail } from "./tail.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-tail-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

// Segments of a few records, so that what is handed over often begins a new one.
test.each([1, 3, 1_000])(
  "what is handed over and what is read from the files is one sequence, at most %i at a time",
  async (max) => {
    const runtime = realRuntime();
    const tail = new JournalTail(folder, undefined);
    let groups = 0;
    const journal = new Journal(
      {
        folder,
        durability: "os",
        runtime,
        segmentBytes: 2_000,
        onIncident: ({ message }) => expect.unreachable(message),
        // Of nine groups three are lost: from there on the reader has to use the files.
        onWritten: (group) => void (groups++ % 9 < 6 && tail.offer(group)),
      },
      1,
      1,
      new Book(),
    );
    const taken: string[] = [];
    const readAll = (): void => {
      for (let isLast = false; !isLast;) {
        const batch = tail.read(max, journal.written);
        for (const { seq, text } of batch.records) taken.push(`${seq} ${text}`);
        isLast = batch.isLast;
        // Whoever goes on from here after a restart reads the same.
        const again = new JournalTail(folder, batch.next);
        const [next] = again.read(1, journal.written).records;
        expect(next?.seq).toBe(journal.written.seq > batch.next.seq ? batch.next.seq + 1 : undefined);
        again.close();
      }
    };
    for (let index = 0; index < 30; index++) {
      const id = `r${index}`;
      await journal.forwarded(forwarded(id));
      journal.ended(attemptEnded(id));
      journal.ended(requestEnded(id));
      await journal.flush();
      if (index % 4 === 0) readAll();
    }
    readAll();
    expect(taken.map((line) => Number(line.split(" ", 1)[0]))).toEqual(Array.from({ length: 90 }, (_, at) => at + 1));
    for (const line of taken) expect(line).toMatch(/^(\d+) \{.*"seq":\1,.*\}\n$/);
    expect(tail.brokenLines).toBe(0);
    tail.close();
    await journal.close();
  },
);
