import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CostSchema } from "../src/contract/index.ts";
import { ParleyError, redact } from "../src/errors/index.ts";
import { decodeLine } from "../src/ledger/format.ts";
import { openBooks, type Books } from "../src/ledger/open-books.ts";
import type { LedgerRecord } from "../src/ledger/records.ts";
import { listSegments } from "../src/ledger/segments.ts";
import { createLog } from "../src/observe/log.ts";
import { realRuntime } from "../src/runtime/real.ts";
import type { LedgerStore } from "../src/store/ledger-store.ts";
import { openDatabase, type Database } from "../src/store/sql/database.ts";
import { createSqlLedgerStore } from "../src/store/sql/ledger-store.ts";
import { startPostgres } from "./support/services/postgres.ts";
import { attemptEnded, checkpoint, compensated, forwarded, readAll, requestEnded } from "./support/ledger.ts";
import { foldPlainly, tablesOf, TEST_DATABASES } from "./support/ledger-tables.ts";

/** What becomes of one attempt. */
interface Fate {
  readonly checkpoints: number;
  readonly nanoUsd: number | undefined;
  readonly hold: number | undefined;
  readonly compensations: readonly { readonly id: number; readonly delta: number }[];
}

const fates = fc.record<Fate>({
  checkpoints: fc.nat(3),
  nanoUsd: fc.option(fc.nat(1_000_000), { nil: undefined }),
  hold: fc.option(fc.nat(2_000_000), { nil: undefined }),
  compensations: fc.array(fc.record({ id: fc.nat(2), delta: fc.integer({ min: -500, max: 500 }) }), { maxLength: 3 }),
});

/** What happens next: the next record of a request is written, records are projected, a kill, a segment's end. */
const byText = (a: readonly unknown[], b: readonly unknown[]): number => (String(a) < String(b) ? -1 : 1);

const steps = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ do: fc.constant("write" as const), request: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("project" as const), times: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("fail" as const), times: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("kill" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("forget the folder's place" as const) }) },
  ),
  { minLength: 20, maxLength: 60 },
);

const isCorrection = ({ kind }: LedgerRecord): boolean => kind === "compensated";

function recordsOf(requestId: string, attempts: readonly Fate[]): LedgerRecord[] {
  const records: LedgerRecord[] = [];
  for (const [index, { checkpoints, nanoUsd, hold, compensations }] of attempts.entries()) {
    const attempt = index + 1;
    const buckets = [
      { account: "key:a|rolling_2h", bucket: attempt },
      { account: "project:p|calendar_day@UTC", bucket: 7 },
    ];
    records.push(forwarded(requestId, attempt, { hold: hold === undefined ? undefined : { nanoUsd: hold, buckets } }));
    for (let count = 0; count < checkpoints; count++) records.push(checkpoint(requestId, attempt, { atMs: count + 1 }));
    const isLast = attempt === attempts.length;
    const cost = nanoUsd === undefined ? undefined : create(CostSchema, { nanoUsd: BigInt(nanoUsd) });
    const failure = isLast ? {} : ({ state: "failed", reason: "provider_error" } as const);
    records.push(attemptEnded(requestId, attempt, { cost, ...failure }));
    if (isLast) records.push(requestEnded(requestId, { attempts: attempt }));
    for (const { id, delta } of compensations) {
      records.push(compensated(requestId, attempt, { compensationId: `c${id}`, deltaNanoUsd: delta }));
    }
  }
  return records;
}

/** A store whose transactions fail when told to, before they begin or after everything in them was done. */
class FailingStore implements LedgerStore {
  failures = 0;
  readonly #store: LedgerStore;
  constructor(store: LedgerStore) {
    this.#store = store;
  }
  position: LedgerStore["position"] = (replica) => this.#store.position(replica);
  sync: LedgerStore["sync"] = () => this.#store.sync();
  spent: LedgerStore["spent"] = (account, buckets) => this.#store.spent(account, buckets);
  spentBy: LedgerStore["spentBy"] = (...asked) => this.#store.spentBy(...asked);
  update: LedgerStore["update"] = async (replica, requestIds, fold) => {
    if (this.failures === 0) return await this.#store.update(replica, requestIds, fold);
    this.failures -= 1;
    throw new ParleyError("GATEWAY_OVERLOADED", "Cannot project the ledger: made by a test");
  };
}

/** The books, which can be killed between any two batches and opened again. */
class Subject {
  readonly #folder: string;
  readonly #store: FailingStore;
  #books!: Books;

  constructor(folder: string, database: Database) {
    this.#folder = folder;
    this.#store = new FailingStore(createSqlLedgerStore(database));
  }

  async start(): Promise<void> {
    this.#books = await openBooks({
      folder: this.#folder,
      durability: "os",
      runtime: realRuntime(),
      log: createLog({ runtime: realRuntime(), redact, write: () => {} }),
      replica: "replica-1",
      store: this.#store,
      pricesOf: () => undefined,
      claimEpoch: (above) => above + 1,
      segmentBytes: 4_000,
      batchRecords: 3,
    });
  }

  async write(record: LedgerRecord): Promise<void> {
    const { ledger } = this.#books;
    if (record.kind === "forwarded") await ledger.forwarded(record);
    else if (record.kind === "compensated") await ledger.compensated(record);
    else if (record.kind === "partially_streamed") ledger.streamed(record);
    else ledger.ended(record);
    await ledger.flush();
  }

  /** Projects as far as it goes before a batch fails; `failures` batches do. */
  async project(failures: number): Promise<void> {
    this.#store.failures = failures;
    await this.#books.projector.caughtUp().catch(() => {});
    this.#store.failures = 0;
  }

  /** As a kill leaves it: what was written stays, what was not projected is not. */
  async kill(): Promise<void> {
    this.#store.failures = Number.POSITIVE_INFINITY;
    await this.#books.close();
    this.#store.failures = 0;
    await this.start();
  }

  spent(account: string, buckets: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.#books.spend.spent(account, buckets);
  }

  get isFailing(): boolean {
    return this.#books.projector.isFailing;
  }

  async finish(): Promise<void> {
    await this.#books.projector.caughtUp();
    await this.#books.close();
  }
}

describe.each(TEST_DATABASES)("the projection in %s", { timeout: 60_000 }, (kind, makeTables) => {
  test("equals a plain reading of the records, whatever is written, projected, failing and killed in between", async () => {
    const property = fc.asyncProperty(
      fc.array(fc.array(fates, { minLength: 1, maxLength: 3 }), { minLength: 4, maxLength: 4 }),
      steps,
      async (requests, plan) => {
        await using tables = await makeTables();
        const folder = join(tables.folder, "ledger");
        const subject = new Subject(folder, tables.database);
        await subject.start();
        const queues = requests.map((attempts, index) => recordsOf(`r${index}`, attempts));
        const written: LedgerRecord[] = [];
        const open = new Set<string>();
        for (const step of plan) {
          if (step.do === "write") {
            const record = queues[step.request]?.shift();
            if (!record) continue;
            if (record.kind === "forwarded") open.add(record.requestId);
            if (record.kind === "request_ended") open.delete(record.requestId);
            await subject.write(record);
            written.push(record);
          } else if (step.do === "project") await subject.project(0);
          else if (step.do === "fail") await subject.project(step.times);
          else if (step.do === "forget the folder's place") {
            await tables.database.run("forget", (query) =>
              query.updateTable("projector").set({ segment: 0 }).execute(),
            );
          } else {
            // A restart closes what is open; its records are read back from the journal below.
            for (const [index, queue] of queues.entries()) {
              if (open.has(`r${index}`))
                queue.splice(
                  0,
                  queue.length,
                  ...queue.filter((one) => one.kind === "compensated" && one.attempt === 1).slice(0, 1),
                );
            }
            open.clear();
            await subject.kill();
          }
        }
        await subject.finish();
        const { attempts, events, spend } = await tablesOf(tables.database);
        // Everything that was written, and what restarts added, is an event, once and in order.
        const lines = events.map(({ epoch, seq }) => `${epoch} ${seq}`);
        expect(new Set(lines).size).toBe(lines.length);
        const left = (await readAll(folder)).all;
        // Of corrections with the same id only the first is.
        const missing = left.filter((one) => !isCorrection(one.record) && !lines.includes(`${one.epoch} ${one.seq}`));
        expect(missing).toEqual([]);
        expect(events.filter(({ kind: what }) => what === "forwarded")).toHaveLength(
          written.filter(({ kind: what }) => what === "forwarded").length,
        );
        // The rows, by a reading of the events' own lines.
        const read = events.map(({ body }) => decodeLine(Buffer.from(body))!.content as LedgerRecord);
        const plain = foldPlainly(read);
        expect(
          attempts.map((row) => [
            `${row.request_id} ${row.attempt}`,
            row.state,
            row.charged_nano_usd,
            row.compensated_nano_usd,
            row.events,
          ]),
        ).toEqual(
          [...plain.attempts]
            .map(([id, one]) => [id, one.state, one.charged, one.compensated, one.events])
            .sort(byText),
        );
        expect(spend.map((row) => [`${row.account} ${row.bucket}`, row.nano_usd])).toEqual(
          [...plain.spend].sort(byText),
        );
        // And the written records, each once, are in what was read.
        for (const record of written.filter((one) => !isCorrection(one))) expect(read).toContainEqual(record);
      },
    );
    await fc.assert(property, { numRuns: kind === "SQLite" ? 25 : 4 });
  });

  test("goes on after another process where that one stopped, and deletes what both know", async () => {
    await using tables = await makeTables();
    const folder = join(tables.folder, "ledger");
    const subject = new Subject(folder, tables.database);
    await subject.start();
    const done = (id: string): LedgerRecord[] => [forwarded(id), attemptEnded(id), requestEnded(id)];
    for (let index = 0; index < 40; index++) for (const record of done(`r${index}`)) await subject.write(record);
    expect(listSegments(folder).length).toBeGreaterThan(5);
    await subject.project(0);
    expect(listSegments(folder)).toHaveLength(1);
    await subject.write(forwarded("open"));
    await subject.kill();
    for (const record of done("after")) await subject.write(record);
    await subject.finish();
    const { attempts, events } = await tablesOf(tables.database);
    expect(attempts).toHaveLength(42);
    expect(events).toHaveLength(42 * 3);
    expect(attempts.filter(({ state }) => state === "failed").map(({ request_id }) => request_id)).toEqual(["open"]);
    // A journal that is lost begins anew, behind what is known of it.
    rmSync(folder, { recursive: true });
    const again = new Subject(folder, tables.database);
    await again.start();
    for (const record of done("new")) await again.write(record);
    await again.finish();
    expect((await tablesOf(tables.database)).attempts).toHaveLength(43);
  });
});

describe("a PostgreSQL that dies and comes back", { timeout: 60_000 }, () => {
  test("stops no request, is told of in types, and then has complete books", async () => {
    await using server = await startPostgres();
    const database = await openDatabase({ url: server.url });
    const folder = mkdtempSync(join(tmpdir(), "parley-away-"));
    const subject = new Subject(folder, database);
    await subject.start();
    const account = "key:a|calendar_day@UTC";
    const hold = { nanoUsd: 900, buckets: [{ account, bucket: 1 }] };
    const cost = create(CostSchema, { nanoUsd: 700n });
    const write = async (id: string): Promise<void> => {
      for (const record of [forwarded(id, 1, { hold }), attemptEnded(id, 1, { cost }), requestEnded(id)]) {
        await subject.write(record);
      }
    };
    for (let index = 0; index < 10; index++) await write(`before-${index}`);
    expect(await subject.spent(account, [1, 2])).toEqual(new Map([[1, 7_000]]));
    await server.kill();
    for (let index = 0; index < 10; index++) await write(`away-${index}`);
    await expect(subject.spent(account, [1])).rejects.toThrow(/: the database does not answer/);
    expect(subject.isFailing).toBe(true);
    await server.restart();
    expect(await subject.spent(account, [1])).toEqual(new Map([[1, 14_000]]));
    expect(subject.isFailing).toBe(false);
    const { attempts, events } = await tablesOf(database);
    expect([attempts.length, events.length]).toEqual([20, 60]);
    await subject.finish();
    await database.close();
    rmSync(folder, { recursive: true });
  });
});
