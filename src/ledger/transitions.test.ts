import { describe, expect, test } from "vitest";
import { attemptEnded, brief, checkpoint, compensated, forwarded, requestEnded } from "../../test/support/ledger.ts";
import { Book } from "./book.ts";
import type { LedgerRecord } from "./records.ts";
import { ATTEMPT_TRANSITIONS, illegality, REQUEST_TRANSITIONS, UNSEEN } from "./transitions.ts";

const failed = { state: "failed", reason: "provider_error" } as const;
const F = (attempt: number) => forwarded("r", attempt);
const ok = (attempt: number) => attemptEnded("r", attempt);
const bad = (attempt: number) => attemptEnded("r", attempt, failed);
const C = (attempt: number) => checkpoint("r", attempt);
const done = requestEnded("r");
const lost = requestEnded("r", failed);

describe("transitions", () => {
  test("lead from every state to a terminal, and from no terminal anywhere", () => {
    const isTerminal = (state: string) => state === "completed" || state === "failed";
    for (const table of [REQUEST_TRANSITIONS, ATTEMPT_TRANSITIONS] as Record<string, readonly string[]>[]) {
      const ends = Object.keys(table).filter((state) => table[state]!.length === 0);
      expect(ends).toEqual(Object.keys(table).filter(isTerminal));
      const stuck = Object.keys(table).filter((state) => !isTerminal(state) && !table[state]!.includes("failed"));
      expect(stuck).toEqual([]);
    }
  });

  const LEGAL: LedgerRecord[][] = [
    [F(1), ok(1), done],
    [F(1), bad(1), lost],
    [F(1), bad(1), F(2), ok(2), done],
    [F(1), F(2), bad(2), ok(1), done],
    [F(1), bad(1), F(3), ok(3), done],
    [F(1), ok(1), lost],
    [F(1), C(1), C(1), ok(1), done],
    [F(1), C(1), bad(1), F(2), compensated("r", 1), C(2), ok(2), done, compensated("r", 2)],
  ];
  test.each(LEGAL.map((records) => [records.map(brief).join(", "), records] as const))("allow %s", (_, records) => {
    const book = new Book();
    for (const record of records) {
      expect(book.accept(record)).toBeUndefined();
      book.written(record, { epoch: 1, seq: 1, text: "" });
    }
    expect(book.size).toBe(0);
  });

  const ILLEGAL: [string, LedgerRecord[], LedgerRecord][] = [
    ["attempt 1 was not forwarded", [], ok(1)],
    ["attempt 2 was not forwarded", [F(1)], ok(2)],
    ["attempt 1 is completed and cannot become completed", [F(1), ok(1)], ok(1)],
    ["attempt 1 is failed and cannot become completed", [F(1), bad(1)], ok(1)],
    ["attempt 1 was not forwarded", [], C(1)],
    ["attempt 1 is completed and cannot become partially_streamed", [F(1), ok(1)], C(1)],
    ["attempt 1 is still forwarded", [F(1)], compensated("r", 1)],
    ["attempt 1 is still partially_streamed", [F(1), C(1)], compensated("r", 1)],
    ["attempt 1 is still partially_streamed", [F(1), C(1)], done],
    ["attempt 1 does not come after attempt 1", [F(1)], F(1)],
    ["attempt 1 does not come after attempt 2", [F(2)], F(1)],
    ["attempt 1 is still forwarded", [F(1)], lost],
    ["attempt 2 is still forwarded", [F(1), bad(1), F(2)], done],
    ["no attempt completed", [F(1), bad(1)], done],
    ["it was never forwarded or has ended already", [], lost],
  ];
  test.each(
    ILLEGAL.map(([why, before, record]) => [[...before, record].map(brief).join(", "), why, before, record] as const),
  )("forbid %s: %s", (_, why, before, record) => {
    const book = new Book();
    for (const one of before) expect(book.accept(one)).toBeUndefined();
    expect(book.accept(record)).toBe(why);
    // What was refused has changed nothing.
    expect(book.accept(record)).toBe(why);
  });

  test("forbid anything of a request that has ended", () => {
    const ended = { state: "failed", attempts: [{ attempt: 1, state: "failed" }] } as const;
    expect(illegality(ended, F(2))).toBe("the request is failed and cannot be forwarded");
    expect(illegality(ended, done)).toBe("the request is failed and cannot become completed");
    expect(illegality(UNSEEN, F(1))).toBeUndefined();
  });
});
