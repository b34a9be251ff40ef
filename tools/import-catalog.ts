// Refreshes the catalogue's data files from a list in the shape of https://models.dev/api.json: npm run catalog
//   --from FILE|URL   the list; default https://models.dev/api.json
//   --kind KIND[=ID]  only this data file; ID is the provider's name in the list. A new KIND makes a new file.
//   --date DATE       when the figures were collected; default today
// What the list does not have (profiles, abilities, prices by service tier or time to live) is kept.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { matchesGlob } from "node:path";
import { parseArgs } from "node:util";
import { catalogFileSchema, type CatalogFile, type CatalogModel } from "../src/catalog/file-schema.ts";

/** A model in the shape of models.dev; US dollars per million tokens. */
export interface ListedModel {
  readonly name?: string;
  readonly reasoning?: boolean;
  readonly temperature?: boolean;
  readonly tool_call?: boolean;
  readonly structured_output?: boolean;
  readonly modalities?: { readonly input?: readonly string[]; readonly output?: readonly string[] };
  readonly limit?: { readonly context?: number; readonly output?: number };
  readonly cost?: ListedCost;
  readonly status?: string;
  readonly reasoning_options?: readonly { readonly type: string; readonly values?: readonly string[] }[];
}

type Rates = Readonly<Record<string, unknown>>;
type ListedCost = Rates & {
  readonly tiers?: readonly (Rates & { readonly tier: { readonly type: string; readonly size: number } })[];
  readonly context_over_200k?: Rates;
};

/** The list: models by provider and id. */
export type ModelList = Readonly<
  Record<string, { readonly models: Readonly<Record<string, ListedModel>> } | undefined>
>;

type PriceGroup = NonNullable<CatalogModel["prices"]>[number];

const RATE_UNITS = ["input", "cache_read", "cache_write", "output", "reasoning", "input_audio", "output_audio"];
const MODALITIES: Readonly<Record<string, string>> = {
  text: "text",
  image: "image",
  audio: "audio",
  video: "video",
  pdf: "document",
};
const LIFECYCLES: Readonly<Record<string, string>> = { deprecated: "deprecated", beta: "preview", alpha: "preview" };

/** A data file with the figures of a list, and what changed, a line each. Throws when the result is not valid. */
export function refresh(file: CatalogFile, list: ModelList, date: string): { file: CatalogFile; changes: string[] } {
  const listed = list[file.imported_as ?? file.kind]?.models;
  if (!listed)
    throw new Error(`Cannot refresh ${file.kind}: the list has no provider ${file.imported_as ?? file.kind}`);
  const models: Record<string, CatalogModel> = { ...file.models };
  const changes: string[] = [];
  for (const [id, row] of Object.entries(listed)) {
    if (!isChatModel(row) || file.not_imported?.some((pattern) => matchesGlob(id, pattern))) continue;
    const known = models[id];
    const next = refreshModel(known, row, file);
    models[id] = next;
    if (!known) changes.push(`${id}: new; check its profile and abilities`);
    else if (JSON.stringify(known) !== JSON.stringify(next)) changes.push(`${id}: ${difference(known, next)}`);
  }
  for (const id of Object.keys(file.models)) if (!listed[id]) changes.push(`${id}: not in the list, kept as it is`);
  return { file: catalogFileSchema.parse({ ...file, date, models }), changes };
}

function isChatModel({ modalities }: ListedModel): boolean {
  return modalities?.input?.includes("text") === true && modalities.output?.includes("text") === true;
}

function refreshModel(known: CatalogModel | undefined, row: ListedModel, file: CatalogFile): CatalogModel {
  const efforts = row.reasoning_options?.find((option) => option.type === "effort")?.values;
  const profile = row.reasoning === true ? "reasoning" : "chat";
  // Where reasoning can be switched off, whether temperature is accepted depends on the request.
  const temperature = efforts?.includes("none") ? undefined : row.temperature;
  const flags = {
    tools: row.tool_call,
    reasoning: row.reasoning,
    temperature,
    structured_output: row.structured_output,
  };
  return withoutUndefined({
    name: row.name,
    ...(known ? {} : { profile: file.profiles?.[profile] ? profile : undefined }),
    ...known,
    ...withoutUndefined({
      flags: withoutUndefined(flags),
      input: modalityWords(row.modalities?.input),
      output: modalityWords(row.modalities?.output),
      context_tokens: row.limit?.context || undefined,
      max_output_tokens: row.limit?.output || undefined,
      efforts: efforts?.length ? [...efforts] : undefined,
      prices: refreshPrices(known?.prices ?? [], row.cost),
      lifecycle: LIFECYCLES[row.status ?? ""] ?? known?.lifecycle ?? "active",
    }),
  }) as CatalogModel;
}

function modalityWords(words: readonly string[] | undefined): string[] | undefined {
  const known = words?.flatMap((word) => MODALITIES[word] ?? []);
  return known?.length ? known : undefined;
}

/** The list's groups of prices over ours: units that the list does not have are kept, and so are other conditions. */
function refreshPrices(known: readonly PriceGroup[], cost: ListedCost | undefined): PriceGroup[] | undefined {
  const groups = new Map(known.map((group) => [conditionOf(group), group]));
  for (const group of cost ? listedGroups(cost) : []) {
    const condition = conditionOf(group);
    groups.set(condition, { ...group, nano_usd: { ...groups.get(condition)?.nano_usd, ...group.nano_usd } });
  }
  return groups.size > 0 ? [...groups.values()].sort((a, b) => rank(a).localeCompare(rank(b))) : undefined;
}

// The plain prices first, then those of long requests, of tiers and of times to live.
function rank({ above_input_tokens, service_tier, ttl_seconds }: PriceGroup): string {
  const numbers = [ttl_seconds, above_input_tokens].map((value) => String(value ?? 0).padStart(12, "0"));
  return [service_tier ?? "", ...numbers].join(" ");
}

function listedGroups(cost: ListedCost): PriceGroup[] {
  const over = cost.context_over_200k;
  const tiers = cost.tiers?.flatMap((rates) =>
    rates.tier.type === "context" ? [[rates.tier.size, rates] as const] : [],
  );
  const longer = tiers ?? (over ? [[200_000, over] as const] : []);
  const base = pricesOf(cost);
  if (Object.keys(base).length === 0) return [];
  return [
    { nano_usd: base },
    ...longer.map(([size, rates]) => ({ above_input_tokens: size, nano_usd: pricesOf(rates) })),
  ];
}

function pricesOf(rates: Rates): Record<string, number> {
  const isFree = rates["input"] === 0;
  const prices: Record<string, number> = {};
  for (const unit of RATE_UNITS) {
    const usd = rates[unit];
    if (typeof usd !== "number") continue;
    // A zero beside other prices stands for a price that nobody entered; reasoning costs what output costs unless told.
    if ((usd === 0 && !isFree) || (unit === "reasoning" && usd === rates["output"])) continue;
    prices[unit] = Math.round(usd * 1e9);
  }
  return prices;
}

function conditionOf(group: PriceGroup): string {
  return JSON.stringify([group.above_input_tokens, group.service_tier, group.ttl_seconds]);
}

function difference(before: CatalogModel, after: CatalogModel): string {
  const names = Object.keys({ ...before, ...after }) as (keyof CatalogModel)[];
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return changed.map((name) => `${name} ${JSON.stringify(before[name])} -> ${JSON.stringify(after[name])}`).join(", ");
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<T>;
}

/** JSON as the formatter wants it: on one line of at most 120 characters, else opened. */
export function toText(value: unknown, indent = "", keyLength = 0): string {
  const line = oneLine(value);
  if (typeof value !== "object" || value === null) return line;
  if (indent !== "" && indent.length + keyLength + line.length + 1 <= 120) return line;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map((one) => inner + toText(one, inner)).join(",\n")}\n${indent}]`;
  }
  const members = Object.entries(value).map(([key, one]) => {
    const name = `${JSON.stringify(key)}: `;
    return inner + name + toText(one, inner, name.length);
  });
  return `{\n${members.join(",\n")}\n${indent}}`;
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${oneLine(one)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

async function readList(from: string): Promise<ModelList> {
  if (!/^https?:/.test(from)) return JSON.parse(readFileSync(from, "utf8")) as ModelList;
  const response = await fetch(from, { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`Cannot read ${from}: it answers ${response.status}`);
  return (await response.json()) as ModelList;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      from: { type: "string", default: "https://models.dev/api.json" },
      kind: { type: "string" },
      date: { type: "string", default: new Date().toISOString().slice(0, 10) },
    },
  });
  const list = await readList(values.from);
  const folder = new URL("../src/catalog/data/", import.meta.url);
  const [kind, importedAs] = values.kind?.split("=") ?? [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const files = names.map((name) => catalogFileSchema.parse(JSON.parse(readFileSync(new URL(name, folder), "utf8"))));
  const wanted = files.filter((file) => (kind === undefined ? file.imported_as !== undefined : file.kind === kind));
  if (kind !== undefined && wanted.length === 0) {
    wanted.push({ kind, date: values.date, sources: [values.from], imported_as: importedAs ?? kind, models: {} });
  }
  for (const before of wanted) {
    const { file, changes } = refresh(
      { ...before, ...(importedAs ? { imported_as: importedAs } : {}) },
      list,
      values.date,
    );
    writeFileSync(new URL(`${file.kind}.json`, folder), `${toText(file)}\n`);
    console.log(`${file.kind}: ${Object.keys(file.models).length} models, ${changes.length} changes`);
    for (const change of changes) console.log(`  ${change}`);
  }
}

if (import.meta.main) await main();
