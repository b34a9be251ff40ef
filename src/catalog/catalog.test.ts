import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, matchesGlob } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { Lifecycle, Modality, Support } from "../contract/index.ts";
import { catalogOf, createCatalog, readCatalogFiles } from "./catalog.ts";
import type { PriceEntry } from "./facts.ts";
import { TOKEN_UNITS, type CatalogFile } from "./file-schema.ts";

const data = new URL("data/", import.meta.url);
const files = readCatalogFiles(data);
const catalog = createCatalog();

function nanoUsd(kind: string, id: string, unit: string, conditions: Partial<PriceEntry> = {}): number | undefined {
  const { aboveInputTokens, serviceTier, ttlSeconds } = conditions;
  return catalog
    .lookup(kind, id)
    ?.prices?.entries.find(
      (entry) =>
        entry.unit === unit &&
        entry.aboveInputTokens === aboveInputTokens &&
        entry.serviceTier === serviceTier &&
        entry.ttlSeconds === ttlSeconds,
    )?.nanoUsd;
}

// What vendors really charge, or say so, against all habit: each was looked up.
const ODD_PRICES: readonly string[] = [
  "openrouter/openai/gpt-5-image-mini: input above output", // its pictures, not its words, are what costs
];

// Kinds whose prices are not public: what a hosted trial answers costs credits.
const WITHOUT_PRICES: readonly string[] = ["nvidia"];

describe("catalogue data", () => {
  test("is one file per kind of provider, named after it", () => {
    expect(readdirSync(data).sort()).toEqual(files.map((file) => `${file.kind}.json`));
    expect(new Set(files.map((file) => file.kind)).size).toBe(files.length);
  });

  test("knows at least 300 models of at least 20 vendors", () => {
    const vendors = files.filter(({ kind }) => kind !== "sandbox");
    expect(vendors.length).toBeGreaterThanOrEqual(20);
    expect(vendors.reduce((sum, { models }) => sum + Object.keys(models).length, 0)).toBeGreaterThanOrEqual(300);
    expect(vendors.filter(({ models }) => Object.keys(models).length === 0)).toEqual([]);
    for (const { date, sources } of vendors) {
      expect(date).toMatch(/^20\d\d-\d\d-\d\d$/);
      expect(sources.filter((source) => !URL.canParse(source))).toEqual([]);
    }
  });

  test("has prices in known units, none dearer in parts than as a whole, and zero only for what is free", () => {
    const odd: string[] = [];
    for (const file of files) {
      const { kind } = file;
      for (const { id, facts } of catalog.models(kind)) {
        const entries = facts.prices?.entries ?? [];
        const plain = (unit: string) => nanoUsd(kind, id, unit);
        const say = (what: string) => odd.push(`${kind}/${id}: ${what}`);
        if ((plain("cache_read") ?? 0) > (plain("input") ?? 0)) say("cache_read above input");
        if ((plain("input") ?? 0) > (plain("output") ?? Infinity)) say("input above output");
        for (const { unit, nanoUsd: price, aboveInputTokens, serviceTier } of entries) {
          if (!(TOKEN_UNITS as readonly string[]).includes(unit)) say(`unit ${unit}`);
          if (price === 0 && !file.free?.some((pattern) => matchesGlob(id, pattern))) say(`${unit} for nothing`);
          const base = plain(unit) ?? 0;
          if (aboveInputTokens !== undefined && price < base) say(`${unit} cheaper when long`);
          if (serviceTier === "flex" && price >= base) say(`${unit} not cheaper on flex`);
          if (serviceTier === "priority" && price <= base) say(`${unit} not dearer on priority`);
        }
      }
    }
    expect(odd).toEqual(ODD_PRICES);
  });

  test("has a plain price of input and output wherever the vendor publishes prices", () => {
    const unpriced = files.flatMap(({ kind }) => {
      const models = catalog.models(kind);
      const priced = models.filter(({ id }) => nanoUsd(kind, id, "input") !== undefined);
      return priced.length < models.length * 0.5 ? [kind] : [];
    });
    expect(unpriced).toEqual(WITHOUT_PRICES);
  });

  test("has limits that fit: no answer longer than the context", () => {
    const odd = files.flatMap(({ kind }) =>
      catalog
        .models(kind)
        .flatMap(({ id, facts: { contextTokens, maxOutputTokens } }) =>
          contextTokens !== undefined && (maxOutputTokens ?? 0) > contextTokens ? [`${kind}/${id}`] : [],
        ),
    );
    expect(odd).toEqual([]);
  });

  test("knows more than 50 models of OpenAI and offers those that chat", () => {
    expect(Object.keys(files.find((file) => file.kind === "openai")!.models).length).toBeGreaterThan(50);
    const offered = catalog.models("openai").map(({ id }) => id);
    expect(offered.length).toBeGreaterThan(35);
    expect(offered).toEqual(expect.arrayContaining(["gpt-5-mini", "gpt-5.6", "gpt-4o-mini", "o3", "gpt-audio"]));
    expect(offered).not.toContain("gpt-5-pro"); // the Responses API alone serves it
    expect(offered).not.toContain("gpt-3.5-turbo-1106"); // withdrawn
    expect(catalog.lookup("openai", "gpt-5-pro")).toBeDefined();
  });

  test("carries limits, modalities, abilities, prices by length and tier, and where a model is in its life", () => {
    expect(catalog.lookup("openai", "gpt-5.4")).toMatchObject({
      displayName: "GPT-5.4",
      contextTokens: 1_050_000,
      maxOutputTokens: 128_000,
      inputModalities: [Modality.TEXT, Modality.IMAGE, Modality.DOCUMENT],
      outputModalities: [Modality.TEXT],
      efforts: ["none", "low", "medium", "high", "xhigh"],
      lifecycle: Lifecycle.ACTIVE,
      catalogVersion: "2026-07-24",
      prices: { version: "2026-07-24" },
      dataPolicy: { retains: true, trains: false },
    });
    expect(nanoUsd("openai", "gpt-5.4", "input")).toBe(2_500_000_000);
    expect(nanoUsd("openai", "gpt-5.4", "output", { aboveInputTokens: 272_000 })).toBe(22_500_000_000);
    expect(nanoUsd("openai", "gpt-5.4", "output", { serviceTier: "flex" })).toBe(7_500_000_000);
    expect(nanoUsd("openai", "gpt-5.6", "cache_write")).toBe(6_250_000_000);
    expect(nanoUsd("openai", "gpt-audio", "input_audio")).toBe(32_000_000_000);
    expect(catalog.lookup("openai", "gpt-3.5-turbo-1106")).toMatchObject({
      lifecycle: Lifecycle.RETIRED,
      retiresAtMs: Date.UTC(2026, 8, 28),
    });
  });

  test("tells what a model has, rejects and nothing of what is unknown", () => {
    const { capabilities } = catalog.lookup("openai", "o4-mini")!;
    expect(capabilities).toMatchObject({
      tools: Support.NATIVE,
      json_schema: Support.NATIVE,
      image_input: Support.NATIVE,
      reasoning_effort: Support.NATIVE,
      temperature: Support.REJECTED,
      stop: Support.REJECTED,
      audio_input: Support.REJECTED,
    });
    expect(capabilities.candidates).toBeUndefined();
    // Accepted with reasoning off, rejected with it on: a quirk of the provider, not a fact of the model.
    expect(catalog.lookup("openai", "gpt-5.4")!.capabilities.temperature).toBeUndefined();
    expect(catalog.lookup("openai", "gpt-5-chat-latest")!.capabilities).toMatchObject({
      tools: Support.REJECTED,
      parallel_tools: Support.REJECTED,
    });
  });
});

describe("Catalog", () => {
  test("takes the exact id before the model without its date", () => {
    expect(nanoUsd("openai", "gpt-4o-2024-05-13", "input")).toBe(5_000_000_000);
    expect(nanoUsd("openai", "gpt-4o-2024-08-07", "input")).toBe(2_500_000_000);
  });

  test.each([
    ["gpt-5-2025-08-07", "gpt-5"],
    ["gpt-5-20250807", "gpt-5"],
    ["gpt-5@20250807", "gpt-5"],
    ["gpt-4-0613", "gpt-4"],
  ])("reads %s as a dated snapshot of %s", (snapshot, base) => {
    expect(catalog.lookup("openai", snapshot)).toBe(catalog.lookup("openai", base));
    expect(catalog.findProvidersOf(snapshot)).toContain("openai");
  });

  test.each(["gpt-5-9999", "gpt-5-2025-08-07-x", "gpt-5-turbo", "gpt-4-1399", "ft:gpt-4o:acme::abc", ""])(
    "knows nothing of %j",
    (id) => {
      expect(catalog.lookup("openai", id)).toBeUndefined();
      expect(catalog.findProvidersOf(id)).toEqual([]);
    },
  );

  test("knows every sandbox model by rule, with and without a suffix", () => {
    const playMoney = {
      prices: { entries: expect.arrayContaining([{ unit: "input", nanoUsd: 100_000_000 }]) as unknown },
    };
    for (const id of ["echo", "fault-cut", "fault-stall@after=5,delay_ms=50"]) {
      expect(catalog.lookup("sandbox", id)).toMatchObject(playMoney);
    }
    expect(catalog.lookup("sandbox", "think@delay_ms=1")).toBe(catalog.lookup("sandbox", "think"));
    expect(catalog.lookup("sandbox", "think")!.capabilities.reasoning).toBe(Support.NATIVE);
    expect(catalog.findProvidersOf("echo@tokens=5")).toEqual(["sandbox"]);
    expect(catalog.findProvidersOf("fault-cut")).toEqual([]); // not listed, or any id would be
  });

  test("is empty for a kind that it does not know", () => {
    expect([catalog.lookup("house", "gpt-5"), catalog.models("house")]).toEqual([undefined, []]);
    expect(catalog.ofKind("house").modelIds).toEqual([]);
    expect(catalog.ofKind("openai").modelIds).toContain("gpt-5-mini");
    expect(catalog.ofKind("openai").lookup("gpt-5")).toBe(catalog.lookup("openai", "gpt-5"));
  });

  test("lists a model under every kind that has it", () => {
    const file = (kind: string): CatalogFile => ({ kind, date: "2026-11-20", sources: ["x"], models: { shared: {} } });
    expect(catalogOf([file("a"), file("b")]).findProvidersOf("shared-2026-01-31")).toEqual(["a", "b"]);
  });
});

describe("readCatalogFiles", () => {
  test.each([
    [
      "a price that is no integer",
      '{"models":{"m":{"prices":[{"nano_usd":{"input":0.25}}]}}}',
      "models.m.prices[0].nano_usd.input",
    ],
    ["an unknown capability", '{"models":{"m":{"has":["telepathy"]}}}', "models.m.has[0]"],
    ["an unknown profile", '{"models":{"m":{"profile":"fast"}}}', "no profile fast"],
    ["a price without its unit", '{"models":{"m":{"prices":[{"input":1}]}}}', 'Unrecognized key: "input"'],
    ["a misspelt member", '{"models":{"m":{"contxt":1}}}', 'Unrecognized key: "contxt"'],
    ["no date", '{"date":"yesterday"}', "at date"],
    ["no JSON", "{", "SyntaxError"],
  ])("refuses %s and names file and place", (_, text, place) => {
    const folder = mkdtempSync(join(tmpdir(), "parley-catalog-"));
    const whole = { kind: "test", date: "2026-11-20", sources: ["x"], models: {} };
    const content = text === "{" ? text : JSON.stringify({ ...whole, ...(JSON.parse(text) as object) });
    writeFileSync(join(folder, "test.json"), content);
    const read = () => readCatalogFiles(pathToFileURL(`${folder}/`));
    expect(read).toThrow("Cannot read the catalogue file test.json:");
    expect(read).toThrow(place);
    rmSync(folder, { recursive: true });
  });

  test("reads what is shipped as it stands in the files", () => {
    const raw = JSON.parse(readFileSync(new URL("openai.json", data), "utf8")) as CatalogFile;
    expect(files.find((file) => file.kind === "openai")).toEqual(raw);
  });
});
