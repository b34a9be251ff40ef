import { describe, expect, test } from "vitest";
import type { CatalogFile } from "../src/catalog/file-schema.ts";
import { listOf } from "./flat-list.ts";
import { refresh, toText, type ListedModel, type ModelList } from "./import-catalog.ts";

const text = { input: ["text"], output: ["text"] };
const file: CatalogFile = {
  kind: "acme",
  date: "2026-01-01",
  sources: ["https://example.com/prices"],
  imported_as: "acme-inc",
  not_imported: ["embed-*"],
  free: ["free*"],
  profiles: { chat: { has: ["streaming"] }, reasoning: { lacks: ["temperature"] } },
  models: {
    one: {
      name: "Our name",
      lacks: ["stop"],
      apis: ["chat"],
      prices: [
        { service_tier: "flex", nano_usd: { input: 1_000_000_000, output: 2_000_000_000 } },
        { nano_usd: { input: 2_000_000_000, cache_write: 2_500_000_000, output: 4_000_000_000 } },
      ],
    },
    gone: { name: "Gone" },
  },
};

function refreshed(models: Record<string, ListedModel>) {
  const list: ModelList = { "acme-inc": { models } };
  return refresh(file, list, "2026-11-20");
}

describe("refresh", () => {
  test("takes figures from the list and keeps what was written by hand", () => {
    const { file: next, changes } = refreshed({
      one: {
        name: "Their name",
        tool_call: true,
        modalities: { input: ["text", "image", "pdf", "smell"], output: ["text"] },
        limit: { context: 1_000, output: 100 },
        cost: { input: 3, output: 6.6, cache_read: 0.3, reasoning: 6.6 },
        status: "deprecated",
      },
    });
    expect(next.date).toBe("2026-11-20");
    expect(next.models["one"]).toEqual({
      name: "Our name",
      lacks: ["stop"],
      apis: ["chat"],
      flags: { tools: true },
      input: ["text", "image", "document"],
      output: ["text"],
      context_tokens: 1_000,
      max_output_tokens: 100,
      prices: [
        {
          nano_usd: {
            input: 3_000_000_000,
            cache_read: 300_000_000,
            cache_write: 2_500_000_000,
            output: 6_600_000_000,
          },
        },
        { service_tier: "flex", nano_usd: { input: 1_000_000_000, output: 2_000_000_000 } },
      ],
      lifecycle: "deprecated",
    });
    expect(next.models["gone"]).toEqual({ name: "Gone" });
    expect(changes.map((line) => line.split(":")[0])).toEqual(["one", "gone"]);
  });

  test("adds new chat models with the profile that suits them, and nothing that does not chat", () => {
    const { file: next, changes } = refreshed({
      thinker: {
        name: "Thinker",
        reasoning: true,
        temperature: false,
        modalities: text,
        reasoning_options: [{ type: "effort", values: ["none", "high"] }],
      },
      painter: { modalities: { input: ["text"], output: ["image"] } },
      "embed-1": { modalities: text },
    });
    expect(Object.keys(next.models)).toEqual(["one", "gone", "thinker"]);
    expect(next.models["thinker"]).toMatchObject({
      profile: "reasoning",
      flags: { reasoning: true },
      lifecycle: "active",
    });
    // With reasoning off it is accepted: no fact of the model.
    expect(next.models["thinker"]?.flags?.temperature).toBeUndefined();
    expect(changes).toContain("thinker: new; check its profile and abilities");
  });

  test("reads prices of long requests in both shapes, and no zero beside other prices", () => {
    const tiers = [{ tier: { type: "context", size: 272_000 }, input: 4, output: 6 }];
    const { models } = refreshed({
      a: { modalities: text, cost: { input: 2, output: 4, cache_read: 0, tiers, context_over_200k: { input: 9 } } },
      b: { modalities: text, cost: { input: 2, output: 4, context_over_200k: { input: 3, output: 5 } } },
      free: { modalities: text, cost: { input: 0, output: 0 } },
      unpriced: { modalities: text },
    }).file;
    expect(models["a"]?.prices).toEqual([
      { nano_usd: { input: 2e9, output: 4e9 } },
      { above_input_tokens: 272_000, nano_usd: { input: 4e9, output: 6e9 } },
    ]);
    expect(models["b"]?.prices?.[1]).toEqual({ above_input_tokens: 200_000, nano_usd: { input: 3e9, output: 5e9 } });
    expect(models["free"]?.prices).toEqual([{ nano_usd: { input: 0, output: 0 } }]);
    expect(models["unpriced"]).not.toHaveProperty("prices");
  });

  test("says which provider the list lacks, and refuses figures that cannot be", () => {
    expect(() => refresh(file, {}, "2026-11-20")).toThrow("Cannot refresh acme: the list has no provider acme-inc");
    expect(() => refreshed({ one: { modalities: text, limit: { context: -5 } } })).toThrow("context_tokens");
  });
});

describe("toText", () => {
  test("writes JSON that reads back, in lines of at most 120 characters", () => {
    const written = toText(file);
    expect(JSON.parse(written)).toEqual(file);
    expect(written).toContain(
      '\n        { "service_tier": "flex", "nano_usd": { "input": 1000000000, "output": 2000000000 } },\n',
    );
    expect(Math.max(...written.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
  });
});

describe("listOf", () => {
  const row = {
    provider: "acme",
    id: "big",
    kind: "chat",
    context: 1_000,
    max_output: 5_000,
    usd_per_1m_tokens: { input: 1, output: 4, tiers: [{ above_tokens: 500, input: 2, output: 8 }] },
    input: ["text"],
    output: ["text"],
    tools: true,
    reasoning: true,
    reasoning_options: [{ type: "toggle" }, { type: "effort", values: ["low", "default", "high"] }],
    deprecation_date: "2027-01-31",
  };
  const flat = {
    providers: { acme: { models_dev_id: "acme-inc" } },
    models: [row, { ...row, id: "ear", kind: "transcription" }, { ...row, id: "old", deprecation_date: "2026-01-31" }],
  };

  test("reads a flat list as one in the shape of models.dev, chat models only", () => {
    const list = listOf(flat);
    expect(Object.keys(list["acme-inc"]?.models ?? {})).toEqual(["big", "old"]);
    const { models } = refresh({ ...file, switch_is_effort: true, models: {} }, list, "2026-11-20").file;
    expect(models["big"]).toMatchObject({
      flags: { tools: true, reasoning: true },
      context_tokens: 1_000,
      max_output_tokens: 1_000,
      efforts: ["none", "low", "high"],
      prices: [
        { nano_usd: { input: 1e9, output: 4e9 } },
        { above_input_tokens: 500, nano_usd: { input: 2e9, output: 8e9 } },
      ],
      lifecycle: "deprecated",
      retires_on: "2027-01-31",
    });
    expect(models["old"]?.lifecycle).toBe("retired");
    expect(listOf(list)).toBe(list);
  });

  test("puts the parts of a provider together, and prices of zero count only where something is free", () => {
    const part = (id: string) => ({ models: { [id]: { modalities: text, cost: { input: 0, output: 0 } } } });
    const parts: CatalogFile = { ...file, imported_as: ["a", "b"], models: {} };
    const { models } = refresh(parts, { a: part("free-one"), b: part("other") }, "2026-11-20").file;
    expect(models["free-one"]?.prices).toEqual([{ nano_usd: { input: 0, output: 0 } }]);
    expect(models["other"]).not.toHaveProperty("prices");
    expect(() => refresh(parts, { a: part("x") }, "2026-11-20")).toThrow("the list has no provider b");
  });
});
