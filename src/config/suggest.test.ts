import { expect, test } from "vitest";
import { closest, didYouMean } from "./suggest.ts";

test.each([
  ["prot", "port"],
  ["apiKey", "api_key"],
  ["api-key", "api_key"],
  ["api_kye", "api_key"],
  ["porrt", "port"],
  ["xyz", undefined],
  ["p", undefined],
])("closest() takes %s for %s", (word, meant) => {
  expect(closest(word, ["api_key", "port", "base_url"])).toBe(meant);
});

test("didYouMean() is a clause, or nothing", () => {
  expect(didYouMean("prot", ["port"])).toBe("; did you mean port?");
  expect(didYouMean("x".repeat(100_000), ["port"])).toBe("");
  expect(didYouMean("sandbox", ["port"])).toBe("");
});
