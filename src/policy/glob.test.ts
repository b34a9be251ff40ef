import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileGlobs } from "./glob.ts";

/** The same by another road: a pattern as a regular expression. */
function byRegularExpression(pattern: string, name: string): boolean {
  const source = pattern.split("*").map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${source.join(".*")}$`, "s").test(name);
}

describe("compileGlobs", () => {
  test.each([
    ["*", "anything/at/all", true],
    ["fast", "fast", true],
    ["fast", "faster", false],
    ["house/*", "house/a/b", true],
    ["house/*", "house", false],
    ["*/small", "house/small", true],
    ["h*e/*l", "house/small", true],
    ["ab*ba", "aba", false],
    ["a*b*c", "a-c-b", false],
    ["a.c", "abc", false],
    ["", "", true],
  ])("%s on %s: %s", (pattern, name, allowed) => expect(compileGlobs([pattern])(name)).toBe(allowed));

  test("allows what any pattern allows, and nothing without patterns", () => {
    const allows = compileGlobs(["fast", "house/*"]);
    expect(["fast", "house/x", "other/x"].map(allows)).toEqual([true, true, false]);
    expect(compileGlobs([])("fast")).toBe(false);
  });

  test("agrees with regular expressions on every pattern", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "/", "."), maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "/", ".", "*"), maxLength: 8 });
    const disagreement = fc.check(
      fc.property(pattern, word, (glob, name) => compileGlobs([glob])(name) === byRegularExpression(glob, name)),
      { numRuns: 5000 },
    );
    expect(disagreement.counterexample).toBeNull();
  });

  test("takes no longer for a pattern made to be slow", () => {
    expect(compileGlobs([`${"a*".repeat(5000)}b`])("a".repeat(100_000))).toBe(false);
  });
});
