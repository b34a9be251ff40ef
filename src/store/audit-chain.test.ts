import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChainCheck, chained, EMPTY_HEAD, headText, readHead, type AuditEntry, type AuditHead } from "./audit-chain.ts";

function chainOf(length: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let index = 0; index < length; index++) {
    entries.push(
      chained(entries.at(-1) ?? EMPTY_HEAD, {
        atMs: 1_790_000_000_000 + index,
        actor: "fixed:admin",
        action: index % 2 === 0 ? "key.create" : "key.revoke",
        subject: `key:${index}`,
        organisation: index % 3 === 0 ? undefined : "acme",
        project: undefined,
        before: index % 2 === 0 ? "" : '{"name":"ci"}',
        after: '{"name":"ci"}',
        requestId: `req_${index}`,
      }),
    );
  }
  return entries;
}

function problemOf(entries: readonly AuditEntry[], stored: AuditHead, known?: AuditHead) {
  const check = new ChainCheck(known);
  check.take(entries);
  return check.end(stored);
}

const chain = chainOf(12);
const head: AuditHead = { seq: 12, hash: chain.at(-1)!.hash };
const headOf = (entries: readonly AuditEntry[]): AuditHead => entries.at(-1) ?? EMPTY_HEAD;

/** A changed field: `hash` and `previousHash` included. */
const changed = fc
  .record({ at: fc.nat(11), field: fc.constantFrom(...(Object.keys(chain[1]!) as (keyof AuditEntry)[])), by: fc.nat() })
  .map(({ at, field, by }) => {
    const value = chain[at]![field];
    const other = typeof value === "number" ? value + 1 + by : `${value ?? ""}${by.toString(16)}`;
    return { first: at + 1, entries: chain.with(at, { ...chain[at]!, [field]: other }) };
  });
const removed = fc.nat(11).map((at) => ({ first: at + 1, entries: chain.toSpliced(at, 1) }));
const doubled = fc.nat(11).map((at) => ({ first: at + 2, entries: chain.toSpliced(at, 0, chain[at]!) }));
const swapped = fc
  .uniqueArray(fc.nat(11), { minLength: 2, maxLength: 2 })
  .map((pair) => pair.toSorted((one, other) => one - other))
  .map(([one = 0, other = 0]) => ({
    first: one + 1,
    entries: chain.with(one, chain[other]!).with(other, chain[one]!),
  }));

describe("a chain", () => {
  test("is whole as it was written, in any portions", () => {
    const check = new ChainCheck(headOf(chain.slice(0, 5)));
    for (let at = 0; at < chain.length; at += 5) expect(check.take(chain.slice(at, at + 5))).toBe(true);
    expect(check.end(head)).toBeUndefined();
    expect(problemOf([], EMPTY_HEAD)).toBeUndefined();
  });

  test("shows every change, removal, repetition and move of an entry, and where it is", () => {
    fc.assert(
      fc.property(fc.oneof(changed, removed, doubled, swapped), ({ entries, first }) => {
        expect(problemOf(entries, head)?.seq).toBe(first);
      }),
      { numRuns: 500 },
    );
  });

  test("that was cut at the end and made to agree with itself is shown by a known head", () => {
    for (let length = 0; length < 12; length++) {
      const cut = chain.slice(0, length);
      expect(problemOf(cut, head)).toMatchObject({ seq: length + 1 });
      expect(problemOf(cut, headOf(cut))).toBeUndefined();
      expect(problemOf(cut, headOf(cut), head)).toMatchObject({ seq: length + 1 });
    }
  });

  test("that was written anew from some place on is shown by a known head", () => {
    for (let place = 0; place < 12; place++) {
      let anew = chain.slice(0, place);
      for (const entry of chain.slice(place)) {
        anew = [...anew, chained(headOf(anew), { ...entry, after: entry.seq === place + 1 ? "{}" : entry.after })];
      }
      expect(problemOf(anew, headOf(anew))).toBeUndefined();
      expect(problemOf(anew, headOf(anew), head)).toMatchObject({ seq: 12 });
    }
  });
});

test("a head is one word, which can be read again", () => {
  expect(readHead(headText(head))).toEqual(head);
  expect(readHead(`${head.seq}:${head.hash}`)).toEqual(head);
  for (const text of ["", "12", `12:${head.hash}0`, `x:${head.hash}`, `12:${head.hash.slice(1)}`]) {
    expect(readHead(text)).toBeUndefined();
  }
});
