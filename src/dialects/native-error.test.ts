import { describe, expect, test } from "vitest";
import { claimedStatus, firstOf, membersOf, sentenceOf, wordOf } from "./native-error.ts";

describe("errors of any shape", () => {
  test.each<[unknown[], number | undefined]>([
    [[503], 503],
    [["429"], 429],
    [[undefined, null, 400], 400],
    [["invalid_api_key", 200, 700, 404.5, Number.NaN], undefined],
    // What `Number` would read, or choke on.
    [[[404]], undefined],
    [[{ toString: 1 }, { valueOf: "x" }, [{ toString: 1 }], true], undefined],
  ])("claimedStatus finds the status among %j", (values, expected) => {
    expect(claimedStatus(...values)).toBe(expected);
  });

  test("values of other types are no words, no members and no sentences", () => {
    expect([wordOf({ toString: 1 }), wordOf(7), wordOf("x".repeat(500)).length]).toEqual(["", "", 128]);
    expect([membersOf([1]), membersOf(null), membersOf("x"), membersOf({ a: 1 })]).toEqual([{}, {}, {}, { a: 1 }]);
    expect([firstOf([1, 2]), firstOf([]), firstOf({})]).toEqual([1, undefined, {}]);
    expect([sentenceOf(undefined), sentenceOf("no"), sentenceOf({})]).toEqual([
      "",
      "no",
      "the provider's message is not a text",
    ]);
  });
});
