import { describe, expect, test } from "vitest";
import { Modality, Support } from "../contract/index.ts";
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

  test("takes modalities that the override lists for capabilities, unless it says otherwise of those", () => {
    const base = { capabilities: { image_input: Support.NATIVE, audio_input: Support.NATIVE, tools: Support.NATIVE } };
    const override = {
      inputModalities: [Modality.TEXT, Modality.DOCUMENT],
      capabilities: { audio_input: Support.EMULATED },
    };
    expect(mergeFacts(base, override).capabilities).toEqual({
      tools: Support.NATIVE,
      image_input: Support.REJECTED,
      audio_input: Support.EMULATED,
      video_input: Support.REJECTED,
      document_input: Support.NATIVE,
    });
    expect(mergeFacts(base, { outputModalities: [Modality.TEXT, Modality.AUDIO] }).capabilities).toEqual({
      ...base.capabilities,
      audio_output: Support.NATIVE,
      image_output: Support.REJECTED,
    });
  });
});
