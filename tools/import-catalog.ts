// Refreshes the catalogue's data files: npm run catalog -- FILE|URL
//   FILE|URL          the list: in the shape of https://models.dev/api.json, which is the default, or a flat one,
//                     { providers: { name: { models_dev_id } }, models: [{ provider, id, … }] }
//   --kind KIND[=ID]  only this data file; ID is the provider's name in the list. A new KIND makes a new file.
//   --date DATE       when the figures were collected; default today
// What the list does not have (profiles, abilities, prices by service tier or time to live) is kept.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { matchesGlob } from "node:path";
import { parseArgs } from "node:util";
import { listOf } from "./flat-list.ts";
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
  /** ISO date on which it is withdrawn. */
  readonly deprecation_date?: string;
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

const MODELS_DEV = "https://models.dev/api.json";
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
  const listed = listedModels(file, list);
  const models: Record<string, CatalogModel> = { ...file.models };
  const changes: string[] = [];
  for (const [id, row] of Object.entries(listed)) {
    if (!isChatModel(row) || file.not_imported?.some((pattern) => matchesGlob(id, pattern))) continue;
    const known = models[id];
    const next = refreshModel(known, { id, row, file, date });
    models[id] = next;
    if (!known) changes.push(`${id}: new; check its profile and abilities`);
    else if (JSON.stringify(known) !== JSON.stringify(next)) changes.push(`${id}: ${difference(known, next)}`);
  }
  for (const id of Object.keys(file.models)) if (!listed[id]) changes.push(`${id}: not in the list, kept as it is`);
  return { file: catalogFileSchema.parse({ ...file, date, models }), changes };
}

function listedModels(file: CatalogFile, list: ModelList): Readonly<Record<string, ListedModel>> {
  const names = [file.imported_as ?? file.kind].flat();
  const missing = names.find((name) => !list[name]);
  if (missing !== undefined) throw new Error(`Cannot refresh ${file.kind}: the list has no provider ${missing}`);
  return Object.assign({}, ...names.map((name) => list[name]?.models)) as Record<string, ListedModel>;
}

function isChatModel({ modalities }: ListedModel): boolean {
  return modalities?.input?.includes("text") === true && modalities.output?.includes("text") === true;
}

interface Row {
  readonly id: string;
  readonly row: ListedModel;
  readonly file: CatalogFile;
  readonly date: string;
}

function refreshModel(known: CatalogModel | undefined, { id, row, file, date }: Row): CatalogModel {
  const efforts = effortsOf(row, file);
  const isFree = file.free?.some((pattern) => matchesGlob(id, pattern)) ?? false;
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
      max_output_tokens: outputLimit(row),
      efforts: efforts?.length ? [...efforts] : undefined,
      prices: refreshPrices(known?.prices ?? [], row.cost, isFree),
      lifecycle: lifecycleOf(row, date) ?? known?.lifecycle ?? "active",
      retires_on: row.deprecation_date,
    }),
  }) as CatalogModel;
}

// Lists take the two limits from different places: an answer is never longer than the context.
function outputLimit({ limit }: ListedModel): number | undefined {
  const { context, output } = limit ?? {};
  return output ? Math.min(output, context || output) : undefined;
}

function effortsOf({ reasoning_options: options }: ListedModel, file: CatalogFile): readonly string[] | undefined {
  const values = options?.find((option) => option.type === "effort")?.values?.filter((value) => value !== "default");
  const switchable = file.switch_is_effort && options?.some((option) => option.type === "toggle");
  return values?.length && switchable ? ["none", ...values.filter((value) => value !== "none")] : values;
}

function lifecycleOf({ status, deprecation_date: until }: ListedModel, date: string): string | undefined {
  if (until !== undefined) return until <= date ? "retired" : "deprecated";
  return LIFECYCLES[status ?? ""];
}

function modalityWords(words: readonly string[] | undefined): string[] | undefined {
  const known = words?.flatMap((word) => MODALITIES[word] ?? []);
  return known?.length ? known : undefined;
}

/** The list's groups of prices over ours: units that the list does not have are kept, and so are other conditions. */
function refreshPrices(
  known: readonly PriceGroup[],
  cost: ListedCost | undefined,
  isFree: boolean,
): PriceGroup[] | undefined {
  const groups = new Map(known.map((group) => [conditionOf(group), group]));
  for (const group of cost ? listedGroups(cost, isFree) : []) {
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

function listedGroups(cost: ListedCost, isFree: boolean): PriceGroup[] {
  const over = cost.context_over_200k;
  const tiers = cost.tiers?.flatMap((rates) =>
    rates.tier.type === "context" ? [[rates.tier.size, rates] as const] : [],
  );
  const longer = tiers ?? (over ? [[200_000, over] as const] : []);
  const base = pricesOf(cost, isFree);
  if (Object.keys(base).length === 0) return [];
  return [
    { nano_usd: base },
    ...longer.map(([size, rates]) => ({ above_input_tokens: size, nano_usd: pricesOf(rates, isFree) })),
  ];
}

function pricesOf(rates: Rates, isFree: boolean): Record<string, number> {
  const prices: Record<string, number> = {};
  for (const unit of RATE_UNITS) {
    const usd = rates[unit];
    if (typeof usd !== "number") continue;
    // Where nothing is free, a zero stands for a price that nobody entered; reasoning costs what output costs unless told.
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
  if (!/^https?:/.test(from)) return listOf(JSON.parse(readFileSync(from, "utf8")));
  const response = await fetch(from, { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`Cannot read ${from}: it answers ${response.status}`);
  return listOf(await response.json());
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kind: { type: "string" },
      date: { type: "string", default: new Date().toISOString().slice(0, 10) },
    },
  });
  const from = positionals[0] ?? MODELS_DEV;
  const list = await readList(from);
  const folder = new URL("../src/catalog/data/", import.meta.url);
  const [kind, importedAs] = values.kind?.split("=") ?? [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const files = names.map((name) => catalogFileSchema.parse(JSON.parse(readFileSync(new URL(name, folder), "utf8"))));
  const wanted = files.filter((file) => (kind === undefined ? file.imported_as !== undefined : file.kind === kind));
  if (kind !== undefined && wanted.length === 0) {
    wanted.push({ kind, date: values.date, sources: [from], imported_as: importedAs ?? kind, models: {} });
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
