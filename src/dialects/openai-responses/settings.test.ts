import { expect, test } from "vitest";
import { targetWith } from "./target.fixture.ts";
import { rulesOf } from "./target-rules.ts";
import { unusableSettings } from "./settings.ts";

test("unusableSettings names what the codec does not have, and values it cannot use", () => {
  expect(
    unusableSettings({ store_false: true, efforts: "low", novelty: 1, min_output_tokens: "16", cache_ttl: "week" }),
  ).toEqual(["novelty", "min_output_tokens", "cache_ttl"]);
});

test("rulesOf takes the last quirk, remembers it, and leaves unusable settings aside", () => {
  const target = targetWith({ cache_ttl: "week", efforts: "low, high" });
  const rules = rulesOf(target.facts);
  expect(rules.settings.cache_ttl).toBe("none");
  expect(rules.efforts).toEqual(["low", "high"]);
  expect(rules.quirkOf.get("efforts")).toBe("T1");
  expect(rulesOf(target.facts)).toBe(rules);
  expect(rulesOf(targetWith({ efforts: "low" }, { efforts: ["max"] }).facts).efforts).toEqual(["max"]);
});
