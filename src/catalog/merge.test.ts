import { describe, expect, test } from "vitest";
import { Support } from "../contract/index.ts";
import type { Quirk } from "./facts.ts";
import { mergeFacts } from "./merge.ts";

const quirk = (id: string, summary: string): Quirk => ({ id, summary, source: "test", checkedOn: "2026-11-20" });

describe("mergeFacts", () => {
  test("makes whole facts of nothing", () => {
    expect(mergeFacts({}, {})).toEqual({ capabilities: {}, quirks: [] });
  });

  test("lays what the override has over the base and keeps the rest", () => {
    const base = {
      displayName: "Base",
      contextTokens: 1_000,
      capabilities: { tools: Support.NATIVE, seed: Support.NATIVE },
      prices: {
        version: "2026-07-24",
        entries: [
          { unit: "input", nanoUsd: 5 },
          { unit: "output", nanoUsd: 9 },
        ],
      },
      catalogVersion: "2026-07-24",
      quirks: [quirk("Q01", "old"), quirk("Q02", "kept")],
    };
    const override = {
      contextTokens: 500,
      capabilities: { seed: Support.REJECTED, prefill: Support.NATIVE },
      prices: { version: "config", entries: [{ unit: "input", nanoUsd: 0 }] },
      quirks: [quirk("Q01", "new")],
    };
    expect(mergeFacts(base, override)).toEqual({
      displayName: "Base",
      contextTokens: 500,
      capabilities: { tools: Support.NATIVE, seed: Support.REJECTED, prefill: Support.NATIVE },
      // A price list is never mixed of two: half of it would carry the other's version.
      prices: override.prices,
      catalogVersion: "2026-07-24",
      quirks: [quirk("Q02", "kept"), quirk("Q01", "new")],
    });
  });
});
