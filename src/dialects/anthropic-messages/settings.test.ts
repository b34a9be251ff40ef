import { expect, test } from "vitest";
import { resolveSettings, unusableSettings } from "./settings.ts";

const quirk = { summary: "s", source: "s", checkedOn: "2026-11-20" };

test("unusableSettings names what the codec does not have or cannot use", () => {
  const settings = {
    thinking: "adaptive",
    sampling: "some",
    max_cache_marks: "4",
    effort: true,
    nothing: 1,
    toString: 1,
  };
  expect(unusableSettings(settings)).toEqual(["sampling", "max_cache_marks", "nothing", "toString"]);
});

test("resolveSettings lets later quirks win, ignores what cannot be used, and remembers who set what", () => {
  const { settings, quirkOf } = resolveSettings([
    { ...quirk, id: "A", settings: { thinking: "adaptive", effort: true } },
    { ...quirk, id: "B", settings: { thinking: "both", sampling: "some" } },
  ]);
  expect([settings.thinking, settings.effort, settings.sampling]).toEqual(["both", true, "any"]);
  expect([...quirkOf]).toEqual([
    ["thinking", "B"],
    ["effort", "A"],
  ]);
});
