import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CostSchema, UsageSchema, UsageSource } from "../src/contract/index.ts";
import type { AttemptEndedRecord, LedgerRecord } from "../src/ledger/records.ts";
import { readTestVariables } from "../src/runtime/crash-point.ts";
import { VirtualRuntime } from "../src/runtime/virtual.ts";
import { compareBills, moneyProblems } from "./support/crash-bill.ts";
import { playRound } from "./support/crash-flood.ts";
import {
  problemsOf,
  startSandboxProcess,
  type BilledCall,
  type BookedCall,
  type Journal,
} from "./support/crash-round.ts";
import { attemptEnded, forwarded, requestEnded } from "./support/ledger.ts";
import { TestFolder } from "./support/process.ts";

// kill -9, and what the books of both sides say afterwards: 200 streams, every place and many rounds are in the slow suite.
const RECOVERY_LIMIT_MS = 10_000;

describe("kill -9 under live streams", { timeout: 60_000 }, () => {
  test("a restart closes what was open, once and estimated, misses nothing, and owes what the wall bills", async () => {
    const dice = new VirtualRuntime({ seed: 1 });
    const random = (): number => dice.random();
    using folder = new TestFolder();
    await using sandbox = await startSandboxProcess();
    // Both on one folder: the second finds the lines of the first, and changes none.
    for (const [name, at] of [
      ["r1", "forwarded_written"],
      ["r2", "attempt_ended_queued"],
    ] as const) {
      const result = await playRound(sandbox, folder, { name, at, streams: 24, restartDies: false, random });
      expect(result).toMatchObject({ problems: [], liveStreams: 24 });
      expect(result.orphans).toBeGreaterThanOrEqual(name === "r1" ? 24 : 48);
      expect(result.recoveredMs).toBeLessThan(RECOVERY_LIMIT_MS);
    }
  });

  test.each([
    ["PARLEY_CRASH_AT", { PARLEY_CRASH_AT: "dispatched" }],
    ["PARLEY_SEGMENT_BYTES", { PARLEY_SEGMENT_BYTES: "65536" }],
    ["expected one of hold_taken", { PARLEY_CRASH_AT: "nowhere", PARLEY_ONLY_A_TEST: "yes" }],
    ["a whole number", { PARLEY_CRASH_AT: "dispatched:0", PARLEY_ONLY_A_TEST: "yes" }],
  ])("nobody but a test can ask for it: %s", (message, env) => {
    expect(() => readTestVariables(env)).toThrow(message);
  });
});

describe("compareBills", () => {
  const hold = { nanoUsd: 50_000, buckets: [{ account: "key", bucket: 1 }] };
  const forward = forwarded("a", 1, { model: "echo@id=1", hold });
  const whole = attemptEnded("a", 1, { cost: create(CostSchema, { nanoUsd: 13_000n }) });
  const held = create(CostSchema, { nanoUsd: 50_000n, estimated: true });
  const orphan = attemptEnded("a", 1, { state: "failed", reason: "gateway_restarted", cost: held });
  const call = { model: "echo@id=1", ended: "completed", status: 200, inputTokens: 9, tokensSent: 2 } as const;
  const journal = (end: AttemptEndedRecord): Journal => ({
    forwarded: [forward],
    attemptEnds: new Map([["a 1", [end]]]),
    requestEnds: new Map(),
    damage: [],
  });

  test("finds nothing where every line is covered", () => {
    expect(compareBills(journal(whole), [call]).problems).toEqual([]);
    expect(compareBills(journal(orphan), [{ ...call, ended: "client_closed" }])).toMatchObject({
      problems: [],
      rows: [{ kind: "cut by the death of the process", lines: 1, wallNanoUsd: 13_000, booksNanoUsd: 50_000 }],
    });
  });

  test.each<[string, AttemptEndedRecord, readonly BilledCall[]]>([
    ["13000, not 15000", whole, [{ ...call, tokensSent: 3 }]],
    ["50000, not 59000", orphan, [{ ...call, ended: "client_closed", inputTokens: 55 }]],
    ["is on the wall's bill and not in the books", whole, [call, call]],
    ["undefined", whole, []],
    [": 60000", attemptEnded("a", 1, { ...orphan, cost: create(CostSchema, { nanoUsd: 60_000n }) }), [call]],
  ])("finds: %s", (problem, end, books) => {
    expect(compareBills(journal(end), books).problems.join("\n")).toContain(problem);
  });
});

describe("moneyProblems", () => {
  const hold = { nanoUsd: 50, buckets: [{ account: "key", bucket: 1 }] };
  const first = forwarded("a", 1, { hold });
  const second = forwarded("b", 1, { hold });
  const end = (id: string) => attemptEnded(id, 1, { cost: create(CostSchema, { nanoUsd: 20n }) });

  test.each<[readonly string[], readonly LedgerRecord[], number]>([
    [[], [first, end("a"), second, end("b")], 40],
    [
      ["spend of 1 key is 20, its lines are 40", "spend_of_replica of 1 key is 20, its lines are 40"],
      [first, end("a"), second, end("b")],
      20,
    ],
    [["a 1 is settled twice, or was never held"], [first, end("a"), end("a")], 20],
    [["1 key is above its limit"], [first, second, end("a"), end("b")], 40],
    [["1 attempts are not settled"], [first], 0],
  ])("finds: %s", (problems, records, spent) => {
    using folder = new TestFolder();
    using tables = new DatabaseSync(join(folder.path, "parley.sqlite"));
    for (const table of ["spend", "spend_of_replica"]) {
      tables.exec(
        `create table ${table} (account, bucket, nano_usd); insert into ${table} values ('key', 1, ${spent})`,
      );
    }
    tables.exec("create table ledger_attempts (ended_at_ms)");
    const found = new Set(moneyProblems(folder.path, records, () => 80));
    expect([...found].sort()).toEqual(problems);
  });
});

describe("problemsOf", () => {
  const forward = forwarded("a", 1, { model: "echo@id=1" });
  const usage = create(UsageSchema, { inputTokens: 9, source: UsageSource.ESTIMATED, balanced: true });
  const end = attemptEnded("a", 1, { state: "failed", reason: "gateway_restarted", usage });
  const call = { model: "echo@id=1", ended: "client_closed", tokensSent: 1 } as const;
  const good: Journal = {
    forwarded: [forward],
    attemptEnds: new Map([["a 1", [end]]]),
    requestEnds: new Map([["a", [requestEnded("a", { state: "failed" })]]]),
    damage: [{ kind: "torn", segment: 1, lines: 1 }],
  };
  const completed = attemptEnded("a", 1, { usage: create(UsageSchema, { outputTokens: 2 }) });
  const reported = attemptEnded("a", 1, { state: "failed", reason: "gateway_restarted" });

  test("finds nothing in good books", () => {
    expect(problemsOf(good, [call])).toEqual([]);
    expect(
      problemsOf({ ...good, attemptEnds: new Map([["a 1", [completed]]]) }, [
        { ...call, ended: "completed", tokensSent: 2 },
      ]),
    ).toEqual([]);
  });

  test.each<[string, Partial<Journal>, readonly BookedCall[]]>([
    ["echo@id=1 has 0 ends", { attemptEnds: new Map() }, [call]],
    ["echo@id=1 has 2 ends", { attemptEnds: new Map([["a 1", [end, end]]]) }, [call]],
    ["the request of echo@id=1 has 0 ends", { requestEnds: new Map() }, [call]],
    ["closed by a restart, but not as estimated", { attemptEnds: new Map([["a 1", [reported]]]) }, [call]],
    ["a 1 ended without a forward", { forwarded: [] }, []],
    ["echo@id=1 reached the sandbox and is not in the journal", { forwarded: [] }, [call]],
    ["the sandbox has booked more than was forwarded", {}, [call, { ...call, model: "" }]],
    ["completed in the journal and client_closed", { attemptEnds: new Map([["a 1", [completed]]]) }, [call]],
    ["2 tokens, 1 were sent", { attemptEnds: new Map([["a 1", [completed]]]) }, [{ ...call, ended: "completed" }]],
    ["segment 3 is corrupt", { damage: [{ kind: "corrupt", segment: 3, lines: 1 }] }, [call]],
  ])("finds: %s", (problem, change, books) => {
    expect(problemsOf({ ...good, ...change }, books).join("\n")).toContain(problem);
  });
});
