import { expect, test } from "vitest";
import type { Quirk } from "../../catalog/facts.ts";
import { DEFAULT_SETTINGS, resolveSettings, unusableSettings } from "./settings.ts";

function quirk(id: string, settings: NonNullable<Quirk["settings"]>): Quirk {
  return { id, summary: "s", settings, source: "s", checkedOn: "2026-11-20" };
}

test("resolveSettings lets a later quirk win and remembers which it was", () => {
  const { settings, quirkOf } = resolveSettings([
    quirk("A", { max_stops: 4, cache_key: true }),
    quirk("B", { max_stops: 8 }),
  ]);
  expect(settings).toEqual({ ...DEFAULT_SETTINGS, max_stops: 8, cache_key: true });
  expect([...quirkOf]).toEqual([
    ["max_stops", "B"],
    ["cache_key", "A"],
  ]);
});

test("unusableSettings names what cannot take effect", () => {
  const settings = { max_stops: "4", system_role: "boss", typo: true, constructor: true, cache_key: true };
  expect(unusableSettings(settings)).toEqual(["max_stops", "system_role", "typo", "constructor"]);
  expect(resolveSettings([quirk("A", { max_stops: "4", system_role: "boss" })]).settings).toEqual(DEFAULT_SETTINGS);
});
