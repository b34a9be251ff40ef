import { expect, test } from "vitest";
import { matchesModel, quirksFor, type ProviderEntry } from "./entry.ts";
import { openaiCompatible } from "./entries/openai-compatible.ts";

test.each([
  [["*"], "anything", true],
  [["*"], "", true],
  [[], "a", false],
  [["gpt-5"], "gpt-5", true],
  [["gpt-5"], "gpt-5-mini", false],
  [["gpt-5*"], "gpt-5-mini", true],
  [["*mini"], "gpt-5-mini", true],
  [["gpt-*-mini"], "gpt-5-mini", true],
  [["gpt-*-mini"], "gpt-mini", false],
  [["a*b*c"], "axxbxxc", true],
  [["a*b*c"], "axxcxxb", false],
  [["ab*ba"], "aba", false],
  [["gpt-5*", "!gpt-5*-chat*"], "gpt-5-chat-latest", false],
  [["gpt-5*", "!gpt-5*-chat*"], "gpt-5.1", true],
  [["gpt-5*", "!gpt-5*-chat*", "gpt-5-chat-x"], "gpt-5-chat-x", true],
  [["gpt.5"], "gpt-5", false],
])("matchesModel %j takes %s: %s", (globs, model, expected) => {
  expect(matchesModel(globs, model)).toBe(expected);
});

test("matchesModel answers at once for hostile ids", () => {
  expect(matchesModel([`${"a*".repeat(20)}b`], "a".repeat(100_000))).toBe(false);
});

test("quirksFor puts the entry's settings first and then what matches", () => {
  const quirk = { summary: "s", source: "s", checkedOn: "2026-11-20" };
  const entry: ProviderEntry = {
    ...openaiCompatible,
    kind: "house",
    apis: [
      {
        ...openaiCompatible.apis[0],
        settings: { max_stops: 4 },
        quirks: [
          { ...quirk, id: "A", models: ["x*"] },
          { ...quirk, id: "B", models: ["y*"] },
        ],
      },
    ],
  };
  expect(quirksFor(entry, "x1").map(({ id }) => id)).toEqual(["house", "A"]);
  expect(quirksFor(entry, "z", { ...entry.apis[0], settings: {} })).toEqual([]);
});
