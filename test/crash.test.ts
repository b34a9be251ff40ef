import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { UsageSchema, UsageSource } from "../src/contract/index.ts";
import {
  booksOf,
  problemsOf,
  projectionProblems,
  readJournal,
  sendTraffic,
  startGatewayBefore,
  startSandboxProcess,
  type BookedCall,
  type Journal,
} from "./support/crash-round.ts";
import { attemptEnded, forwarded, requestEnded } from "./support/ledger.ts";
import { TestFolder } from "./support/process.ts";

// kill -9, and what the books of both sides say afterwards. More rounds, at moments of chance, are in the slow suite.
const timeout = 60_000;
const RECOVERY_LIMIT_MS = 10_000;

describe("kill -9 under live traffic", { timeout }, () => {
  test.each([
    ["as soon as the first text has come", 1],
    ["when every long answer is under way", 16],
  ])("%s: a restart closes what was open, once and estimated, and misses nothing", async (_when, streamsBegun) => {
    using folder = new TestFolder();
    await using sandbox = await startSandboxProcess();
    await using first = await startGatewayBefore(sandbox, folder);
    const requests = sendTraffic(first, 48, `r${streamsBegun}`);
    // Of 24 streams, 16 begin soon, and 8 of these end only by the kill.
    const begun = requests.filter(({ door }) => door.stream).map((one) => one.begun.then(() => one));
    await firstOf(begun, streamsBegun);
    first.process.signal("SIGKILL");
    expect(await first.process.exited).toEqual({ code: null, signal: "SIGKILL" });
    const ends = (await Promise.all(requests.map(({ outcome }) => outcome))).map(({ end }) => end);
    expect(ends.filter((end) => end === "CUT" || end.startsWith("UNTYPED")).length).toBeGreaterThan(0);

    const startedAtMs = performance.now();
    await using second = await startGatewayBefore(sandbox, folder);
    const journal = await readJournal(second.dataDir);
    expect(performance.now() - startedAtMs).toBeLessThan(RECOVERY_LIMIT_MS);
    const books = await booksOf(sandbox);
    expect(problemsOf(journal, books)).toEqual([]);
    expect(await projectionProblems(second.dataDir, journal)).toEqual([]);
    const closed = [...journal.attemptEnds.values()].flat().filter(({ reason }) => reason === "gateway_restarted");
    expect(closed.length).toBeGreaterThan(0);
    expect(books.length).toBeGreaterThanOrEqual(streamsBegun);
    await second.process.until(new RegExp(`"attempts_closed":${closed.length}\\b`), "stderr");

    // Another restart finds nothing open, and what the second process was asked stands beside it.
    const [after] = sendTraffic(second, 1, "after");
    expect((await after?.outcome)?.end).toBe("completed");
    // An answer may be with its caller a moment before its end is on disk.
    const requestsEnded = async (): Promise<number> => (await readJournal(second.dataDir)).requestEnds.size;
    await expect.poll(requestsEnded).toBe(journal.requestEnds.size + 1);
    second.process.signal("SIGKILL");
    await second.process.exited;
    await using third = await startGatewayBefore(sandbox, folder);
    const later = await readJournal(third.dataDir);
    expect(problemsOf(later, await booksOf(sandbox))).toEqual([]);
    expect(await projectionProblems(third.dataDir, later)).toEqual([]);
    expect(later.forwarded).toHaveLength(journal.forwarded.length + 1);
    const closedLater = [...later.attemptEnds.values()].flat().filter(({ reason }) => reason === "gateway_restarted");
    expect(closedLater).toHaveLength(closed.length);
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

/** Resolves when `count` of the promises have, whatever the others do. */
function firstOf(promises: readonly Promise<unknown>[], count: number): Promise<void> {
  return new Promise((resolve) => {
    let done = 0;
    const onDone = (): void => {
      done += 1;
      if (done === count) resolve();
    };
    for (const promise of promises) promise.then(onDone, () => {});
  });
}
