import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";
import { Lifecycle } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { ModelFacts } from "./facts.ts";
import { catalogFileSchema, type CatalogFile } from "./file-schema.ts";
import { factsOf } from "./read-file.ts";

/** What we know of the models of the providers, from dated data. */
export interface Catalog {
  /**
   * What is known of a model at a kind of provider: by its exact id, else, for a dated snapshot such as
   * `gpt-5-2025-08-07`, what is known of the model without the date, else what holds for every model of the kind.
   * Undefined: nothing is known.
   */
  lookup(kind: string, modelId: string): ModelFacts | undefined;
  /** The models of a kind of provider that can be called, in the order of the data; empty for an unknown kind. */
  models(kind: string): readonly { readonly id: string; readonly facts: ModelFacts }[];
  /** Kinds of provider that list the model, also as a dated snapshot, in alphabetical order. */
  findProvidersOf(modelId: string): readonly string[];
  /** The catalogue as one provider account sees it. */
  ofKind(kind: string): KindCatalog;
}

/** The catalogue of one kind of provider. */
export interface KindCatalog {
  /** As `Catalog.lookup`. */
  lookup(modelId: string): ModelFacts | undefined;
  /** Ids of the models that can be called. */
  readonly modelIds: readonly string[];
}

// How providers date a snapshot of a model: 2025-08-07, 20250807 after a dash or an at sign, 0613.
const SNAPSHOT_DATES = [/-\d{4}-\d{2}-\d{2}$/, /[-@]20\d{6}$/, /-(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])$/];

// Models that only other APIs serve are known, but not offered until there is a dialect for one of those.
const SPOKEN_API = "chat";

const DATA_FOLDER = new URL("data/", import.meta.url);
let shipped: Catalog | undefined;

/**
 * The catalogue that comes with this version. The data of a kind is read when it is first asked for: `lookup`, `models`
 * and `ofKind` throw `MISCONFIGURED` where it was changed and is not valid.
 */
export function createCatalog(): Catalog {
  shipped ??= catalogFrom(kindsIn(DATA_FOLDER), (kind) => readCatalogFile(DATA_FOLDER, kind));
  return shipped;
}

/** Every data file of a folder, by name. Throws `MISCONFIGURED` with file and place where one is not valid. */
export function readCatalogFiles(folder: URL): CatalogFile[] {
  return kindsIn(folder).map((kind) => readCatalogFile(folder, kind));
}

/** A catalogue of the given data. */
export function catalogOf(files: readonly CatalogFile[]): Catalog {
  const byKind = new Map(files.map((file) => [file.kind, file]));
  return catalogFrom([...byKind.keys()], (kind) => byKind.get(kind)!);
}

// A data file is named after its kind.
function kindsIn(folder: URL): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return names.map((name) => name.slice(0, -".json".length)).sort();
}

function readCatalogFile(folder: URL, kind: string): CatalogFile {
  const name = `${kind}.json`;
  try {
    return catalogFileSchema.parse(JSON.parse(readFileSync(new URL(name, folder), "utf8")));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new ParleyError("MISCONFIGURED", `Cannot read the catalogue file ${name}: ${why}`, { cause: error });
  }
}

function catalogFrom(kinds: readonly string[], read: (kind: string) => CatalogFile): Catalog {
  const known = new Set(kinds);
  const loaded = new Map<string, ModelsOfKind>();
  const load = (kind: string): ModelsOfKind | undefined => {
    let models = loaded.get(kind);
    if (!models && known.has(kind)) loaded.set(kind, (models = modelsOfKind(read(kind))));
    return models;
  };
  const lookup = (kind: string, modelId: string) => load(kind)?.lookup(modelId);
  return {
    lookup,
    models: (kind) => load(kind)?.models ?? [],
    findProvidersOf: (modelId) => kinds.filter((kind) => load(kind)?.lists(modelId) === true),
    ofKind(kind) {
      const modelIds = (load(kind)?.models ?? []).map(({ id }) => id);
      return { lookup: (modelId) => lookup(kind, modelId), modelIds };
    },
  };
}

type ModelsOfKind = ReturnType<typeof modelsOfKind>;

function modelsOfKind(file: CatalogFile) {
  const known = new Map(Object.entries(file.models).map(([id, model]) => [id, factsOf(file, model)]));
  const unlisted = file.unlisted && factsOf(file, file.unlisted);
  const models = [...known]
    .filter(
      ([id, facts]) => facts.lifecycle !== Lifecycle.RETIRED && (file.models[id]?.apis?.includes(SPOKEN_API) ?? true),
    )
    .map(([id, facts]) => ({ id, facts }));
  const offered = new Set(models.map(({ id }) => id));

  function baseOf(modelId: string): string {
    const end = file.suffix_sign === undefined ? -1 : modelId.indexOf(file.suffix_sign);
    const id = end < 0 ? modelId : modelId.slice(0, end);
    if (known.has(id)) return id;
    const bases = SNAPSHOT_DATES.map((pattern) => id.replace(pattern, ""));
    return bases.find((base) => known.has(base)) ?? id;
  }
  return {
    models,
    lists: (modelId: string) => offered.has(baseOf(modelId)),
    lookup: (modelId: string) => known.get(baseOf(modelId)) ?? unlisted,
  };
}
