import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  attemptEnded,
  brief,
  checkpoint,
  compensated,
  forwarded,
  journalOptions,
  readAll,
  requestEnded,
  TroubledFiles,
  unsettled,
} from "../../test/support/ledger.ts";
import { CostSchema, UsageSchema, UsageSource } from "../contract/index.ts";
import { openLedger, type OpenLedgerOptions } from "./recovery.ts";
import type { LedgerRecord } from "./records.ts";
import { listSegments, segmentPath } from "./segments.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-recovery-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(path = folder, more: Partial<OpenLedgerOptions> = {}) {
  return openLedger({ ...journalOptions(path).options, claimEpoch: (above) => above + 1, ...more });
}

const briefs = async (path = folder) => (await readAll(path)).all.map(({ record }) => brief(record));

describe("openLedger", () => {
  test("begins with epoch 1 and nothing to close in an empty folder, also one that does not exist", async () => {
    const { ledger, report } = await open(join(folder, "made", "here"));
    expect(report).toMatchObject({ epoch: 1, attemptsClosed: 0, requestsClosed: 0, damage: [], segmentsRead: 0 });
    expect(statSync(join(folder, "made", "here")).mode & 0o777).toBe(0o700);
    await ledger.close();
  });

  test("closes what a dead process left open: estimated from the input's upper bound, priced, once", async () => {
    const first = await open();
    await first.ledger.forwarded(forwarded("done"));
    first.ledger.ended(attemptEnded("done"));
    first.ledger.ended(requestEnded("done"));
    await first.ledger.forwarded(forwarded("second", 1));
    first.ledger.ended(attemptEnded("second", 1, { state: "failed", reason: "provider_error" }));
    await first.ledger.forwarded(forwarded("second", 2, { inputTokensUpperBound: 777 }));
    await first.ledger.forwarded(forwarded("answered"));
    first.ledger.ended(attemptEnded("answered"));
    await first.ledger.flush(); // and then it dies

    const second = await open(folder, {
      costOf: ({ priceVersion }, { inputTokens }) =>
        create(CostSchema, { nanoUsd: BigInt(inputTokens ?? 0) * 10n, priceVersion: priceVersion!, estimated: true }),
    });
    expect(second.report).toMatchObject({ epoch: 2, attemptsClosed: 1, requestsClosed: 2, illegalRecords: 0 });
    await second.ledger.close();
    const { all, damage } = await readAll(folder);
    expect(damage).toEqual([]);
    expect(all.filter(({ epoch }) => epoch === 2).map(({ record }) => brief(record))).toEqual([
      "second.2 failed gateway_restarted",
      "second failed gateway_restarted",
      "answered failed gateway_restarted",
    ]);
    const closed = all.find(({ record }) => brief(record) === "second.2 failed gateway_restarted")!.record;
    expect(closed).toMatchObject({
      usage: { inputTokens: 777, source: UsageSource.ESTIMATED },
      cost: { nanoUsd: 7_770n, priceVersion: "2026-07-24", estimated: true },
    });
    expect(unsettled(all.map(({ record }) => record))).toEqual([]);

    const third = await open();
    expect(third.report).toMatchObject({ epoch: 3, attemptsClosed: 0, requestsClosed: 0 });
    await third.ledger.close();
    expect((await readAll(folder)).all).toEqual(all);
  });

  test("closes an orphan from its last checkpoint, at its hold where there is one, also from a later segment", async () => {
    const hold = { nanoUsd: 9_000, buckets: [{ account: "key:a|rolling_24h", bucket: 497_222 }] };
    const usage = (outputTokens: number) =>
      create(UsageSchema, { inputTokens: 100, outputTokens, source: UsageSource.PARTIAL, balanced: true });
    const costs = (nanoUsd: bigint) => create(CostSchema, { nanoUsd, priceVersion: "2026-07-24", estimated: true });
    const first = await open(folder, { segmentBytes: 1_500 });
    await first.ledger.forwarded(forwarded("plain"));
    await first.ledger.forwarded(forwarded("held", 1, { hold }));
    await first.ledger.forwarded(forwarded("dear", 1, { hold }));
    await first.ledger.forwarded(forwarded("quick", 1, { hold }));
    for (let tokens = 1; tokens <= 40; tokens++) {
      first.ledger.streamed(checkpoint("plain", 1, { usage: usage(tokens), cost: costs(BigInt(tokens)) }));
      first.ledger.streamed(checkpoint("held", 1, { usage: usage(tokens), cost: costs(BigInt(tokens)) }));
      await first.ledger.flush();
    }
    first.ledger.streamed(checkpoint("dear", 1, { usage: usage(7), cost: costs(9_500n) }));
    await first.ledger.flush(); // and then it dies
    const segments = listSegments(folder);
    expect(segments.length).toBeGreaterThan(3);
    for (const { path } of segments.slice(0, -1)) rmSync(path);

    const second = await open();
    expect(second.report).toMatchObject({ segmentsRead: 1, attemptsClosed: 4, illegalRecords: 0, damage: [] });
    await second.ledger.close();
    const ends = (await readAll(folder)).all.flatMap(({ record }) => (record.kind === "attempt_ended" ? [record] : []));
    const told = ends.map(({ requestId, usage: used, cost }) => [
      requestId,
      used?.outputTokens,
      used?.source,
      cost?.nanoUsd,
      cost?.estimated,
    ]);
    expect(told).toEqual([
      ["plain", 40, UsageSource.ESTIMATED, 40n, true],
      ["held", 40, UsageSource.ESTIMATED, 9_000n, true],
      ["dear", 7, UsageSource.ESTIMATED, 9_500n, true],
      ["quick", undefined, UsageSource.ESTIMATED, 9_000n, true],
    ]);
  });

  test("keeps corrections of what has ended and opens nothing by them", async () => {
    const first = await open();
    await first.ledger.forwarded(forwarded("a"));
    await expect(first.ledger.compensated(compensated("a"))).rejects.toThrow("attempt 1 is still forwarded");
    first.ledger.ended(attemptEnded("a"));
    first.ledger.ended(requestEnded("a"));
    await first.ledger.compensated(compensated("a"));
    await first.ledger.close();
    const second = await open();
    expect(second.report).toMatchObject({ attemptsClosed: 0, requestsClosed: 0, illegalRecords: 0, damage: [] });
    await second.ledger.close();
    expect(await briefs()).toEqual(["forwarded a.1", "a.1 completed", "a completed", "compensated a.1"]);
  });

  test("closes each orphan once also when it dies while closing them", async () => {
    const first = await open();
    for (let index = 0; index < 5; index++) await first.ledger.forwarded(forwarded(`r${index}`));
    await first.ledger.close();
    const second = await open();
    await second.ledger.close();
    const [, whole] = listSegments(folder);
    const bytes = readFileSync(whole!.path);
    // The head of the second segment is whole; its closing records are cut at some bytes.
    for (let size = bytes.length - 1_200; size < bytes.length; size += 7) {
      writeFileSync(whole!.path, bytes.subarray(0, size));
      for (const { path, segment } of listSegments(folder)) if (segment > 2) rmSync(path);
      const again = await open();
      await again.ledger.close();
      const { all } = await readAll(folder);
      expect(unsettled(all.map(({ record }) => record))).toEqual([]);
      expect(all.filter(({ record }) => record.kind === "forwarded").length).toBe(5);
    }
  });

  test("reads no more than the last segments, however long the journal is", async () => {
    const first = await open(folder, { segmentBytes: 3_000 });
    await first.ledger.forwarded(forwarded("long"));
    for (let index = 0; index < 60; index++) {
      await first.ledger.forwarded(forwarded(`r${index}`));
      first.ledger.ended(attemptEnded(`r${index}`));
      first.ledger.ended(requestEnded(`r${index}`));
    }
    await first.ledger.flush();
    const segments = listSegments(folder);
    expect(segments.length).toBeGreaterThan(8);
    for (const { path } of segments.slice(0, -1)) writeFileSync(path, "unreadable, and not read");
    const second = await open();
    expect(second.report).toMatchObject({ segmentsRead: 1, attemptsClosed: 1, requestsClosed: 1, damage: [] });
    await second.ledger.close();
  });

  test("takes an epoch above every one in the journal", async () => {
    const claimed: number[] = [];
    const claimEpoch = (above: number) => {
      claimed.push(above);
      return above + 10;
    };
    for (let round = 0; round < 3; round++) await (await open(folder, { claimEpoch })).ledger.close();
    expect(claimed).toEqual([0, 10, 20]);
  });

  test("refuses a journal of a newer version instead of closing what it cannot understand", async () => {
    const first = await open();
    await first.ledger.forwarded(forwarded("a"));
    await first.ledger.close();
    const body = '{"v":3,"epoch":1,"seq":2,"kind":"wondrous"';
    appendFileSync(segmentPath(folder, 1), `${body},"crc":"${crc32(body).toString(16).padStart(8, "0")}"}\n`);
    await expect(open()).rejects.toThrow("Cannot read the ledger: version 3 of its lines is newer than 2");
  });

  test("says what is wrong when the folder cannot be used or the orphans cannot be closed", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    await expect(open(file)).rejects.toThrow(`Cannot open the ledger in ${file}: it cannot be read (EEXIST)`);
    const files = new TroubledFiles();
    files.openError = "EACCES";
    await expect(open(folder, { files })).rejects.toThrow("a new segment cannot be written (EACCES)");
    files.openError = undefined;
    files.writeError = "ENOSPC";
    await expect(open(folder, { files })).rejects.toThrow("a new segment cannot be written (ENOSPC)");
    expect(listSegments(folder)).toEqual([]);
  });
});

describe("openLedger after damage", () => {
  test("keeps every whole record and closes it once wherever the end of the journal is torn off", async () => {
    const source = join(folder, "source");
    const first = await open(source);
    const records: LedgerRecord[] = [];
    const write = async (record: LedgerRecord) => {
      records.push(record);
      if (record.kind === "forwarded") await first.ledger.forwarded(record);
      else if (record.kind === "attempt_ended" || record.kind === "request_ended") first.ledger.ended(record);
    };
    for (const id of ["a", "b"]) await write(forwarded(id));
    await write(attemptEnded("a", 1, { state: "failed", reason: "provider_error" }));
    await write(forwarded("a", 2));
    for (const id of ["b", "c"]) await write(id === "c" ? forwarded("c") : attemptEnded("b"));
    await write(requestEnded("b"));
    await write(attemptEnded("a", 2));
    await write(requestEnded("a", { attempts: 2 }));
    await first.ledger.close();
    const bytes = readFileSync(segmentPath(source, 1));
    const lineEnds = [...bytes.keys()].filter((index) => bytes[index] === 0x0a).map((index) => index + 1);

    for (let size = lineEnds[5]!; size <= bytes.length; size++) {
      const target = join(folder, "torn");
      mkdirSync(target);
      writeFileSync(segmentPath(target, 1), bytes.subarray(0, size));
      const whole = lineEnds.filter((end) => end <= size).length - 1;
      const { ledger, report } = await open(target);
      await ledger.close();
      const { all, damage } = await readAll(target);
      expect(all.slice(0, whole).map(({ record }) => record)).toEqual(records.slice(0, whole));
      expect(unsettled(all.map(({ record }) => record))).toEqual([]);
      const torn = lineEnds.includes(size) ? [] : [{ kind: "torn", segment: 1, lines: 1 }];
      expect([damage, report.damage, report.illegalRecords]).toEqual([torn, torn, 0]);
      rmSync(target, { recursive: true });
    }
  });

  test("goes back a segment when the head of the last one is torn, at every byte of it", async () => {
    const source = join(folder, "source");
    const first = await open(source, { segmentBytes: 900 });
    for (const id of ["a", "b"]) await first.ledger.forwarded(forwarded(id));
    for (let index = 0; listSegments(source).length < 2; index++) await first.ledger.forwarded(forwarded(`r${index}`));
    await first.ledger.close();
    const bytes = readFileSync(segmentPath(source, 2));
    const wanted = (await readAll(source)).all.filter(({ segment }) => segment === 1);
    const lastCopy = bytes.indexOf(`"seq":${wanted.length},"kind":"forwarded"`);
    expect(lastCopy).toBeGreaterThan(0);
    for (let size = 0; size <= bytes.indexOf("\n", lastCopy) + 1; size++) {
      const target = join(folder, "torn");
      mkdirSync(target);
      copyFileSync(segmentPath(source, 1), segmentPath(target, 1));
      writeFileSync(segmentPath(target, 2), bytes.subarray(0, size));
      const { ledger, report } = await open(target);
      await ledger.close();
      const { all } = await readAll(target);
      expect(report).toMatchObject({ requestsClosed: wanted.length, illegalRecords: 0 });
      expect(all.slice(0, wanted.length)).toEqual(wanted);
      expect(unsettled(all.map(({ record }) => record))).toEqual([]);
      rmSync(target, { recursive: true });
    }
  });

  test("tells a flipped byte and a lost line, and guesses neither", async () => {
    const first = await open();
    for (const id of ["a", "b", "c"]) await first.ledger.forwarded(forwarded(id));
    await first.ledger.close();
    const path = segmentPath(folder, 1);
    const text = readFileSync(path, "utf8");
    const lines = text.trimEnd().split("\n");

    writeFileSync(path, text.replace('"request":"b"', '"request":"x"'));
    expect(await readAll(folder)).toMatchObject({
      all: [{ record: { requestId: "a" } }, { record: { requestId: "c" } }],
      damage: [{ kind: "corrupt", segment: 1, lines: 1 }],
    });
    writeFileSync(path, [lines[0], lines[1], lines[3], ""].join("\n"));
    expect((await readAll(folder)).damage).toEqual([{ kind: "missing", segment: 1, lines: 1 }]);
    const { ledger, report } = await open();
    await ledger.close();
    expect(report).toMatchObject({ requestsClosed: 2, damage: [{ kind: "missing", segment: 1, lines: 1 }] });
    expect((await briefs()).filter((one) => one.startsWith("forwarded"))).toEqual(["forwarded a.1", "forwarded c.1"]);
  });
});
