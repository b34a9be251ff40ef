import { expect, test } from "vitest";
import { resolveSettings, unusableSettings } from "./settings.ts";

const quirk = { summary: "s", source: "s", checkedOn: "2026-11-20" };

test("unusableSettings names what the codec does not have or cannot use", () => {
  expect(unusableSettings({ max_stops: 4, thinking_control: "level", labels: true })).toEqual([]);
  expect(unusableSettings({ max_stops: "4", thinking_control: "much", novelty: 1, toString: "x", labels: 1 })).toEqual([
    "max_stops",
    "thinking_control",
    "novelty",
    "toString",
    "labels",
  ]);
});

test("resolveSettings lets a later quirk win and remembers it, and ignores what cannot be used", () => {
  const { settings, quirkOf } = resolveSettings([
    { ...quirk, id: "A", settings: { max_stops: 1, labels: true } },
    { ...quirk, id: "B", settings: { max_stops: 2, novelty: 3 } },
  ]);
  expect([settings.max_stops, settings.labels, settings.call_ids]).toEqual([2, true, true]);
  expect([...quirkOf]).toEqual([
    ["max_stops", "B"],
    ["labels", "A"],
  ]);
});
