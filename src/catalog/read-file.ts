import { Lifecycle, Modality, Support } from "../contract/index.ts";
import { CAPABILITIES, type Capability, type ModelFacts, type PriceEntry, type PriceList } from "./facts.ts";
import type { CatalogFile, CatalogModel } from "./file-schema.ts";

type Capabilities = Partial<Record<Capability, Support>>;
type Abilities = Pick<CatalogModel, "has" | "lacks" | "ignores">;

const MODALITIES: Readonly<Record<string, Modality>> = {
  text: Modality.TEXT,
  image: Modality.IMAGE,
  audio: Modality.AUDIO,
  video: Modality.VIDEO,
  document: Modality.DOCUMENT,
};

const LIFECYCLES = {
  preview: Lifecycle.PREVIEW,
  active: Lifecycle.ACTIVE,
  deprecated: Lifecycle.DEPRECATED,
  retired: Lifecycle.RETIRED,
} as const;

// Lists of modalities are complete where they name one, except for documents: many a vision model reads PDFs without
// its list saying so.
const INPUT_CAPABILITIES = { image: "image_input", audio: "audio_input", video: "video_input" } as const;
const OUTPUT_CAPABILITIES = { image: "image_output", audio: "audio_output" } as const;

/** What is known of a model of a data file. */
export function factsOf(file: CatalogFile, model: CatalogModel): ModelFacts {
  const capabilities = capabilitiesOf(file, model);
  const { name, input, output, context_tokens, max_output_tokens, efforts, prices, lifecycle, retires_on } = model;
  const inputModalities = (input ?? []).map((word) => MODALITIES[word]!);
  if (capabilities.document_input === Support.NATIVE && input && !input.includes("document")) {
    inputModalities.push(Modality.DOCUMENT);
  }
  return {
    ...(name === undefined ? {} : { displayName: name }),
    ...(input ? { inputModalities } : {}),
    ...(output ? { outputModalities: output.map((word) => MODALITIES[word]!) } : {}),
    ...(context_tokens === undefined ? {} : { contextTokens: context_tokens }),
    ...(max_output_tokens === undefined ? {} : { maxOutputTokens: max_output_tokens }),
    ...(efforts ? { efforts } : {}),
    ...(prices ? { prices: priceList(file.date, prices) } : {}),
    ...(lifecycle ? { lifecycle: LIFECYCLES[lifecycle] } : {}),
    ...(retires_on === undefined ? {} : { retiresAtMs: Date.parse(retires_on) }),
    ...(file.data_policy ? { dataPolicy: definedOnly(file.data_policy) } : {}),
    capabilities,
    catalogVersion: file.date,
    quirks: [],
  };
}

function capabilitiesOf(file: CatalogFile, model: CatalogModel): Capabilities {
  const found: Capabilities = {};
  if (model.profile !== undefined) apply(found, file.profiles?.[model.profile] ?? {});
  applyModalities(found, model.input, INPUT_CAPABILITIES);
  applyModalities(found, model.output, OUTPUT_CAPABILITIES);
  if (model.input?.includes("document")) found.document_input = Support.NATIVE;
  const { tools, reasoning, temperature, structured_output } = model.flags ?? {};
  set(found, tools, tools === false ? ["tools", "tool_choice", "parallel_tools", "strict_tools"] : ["tools"]);
  set(found, reasoning, ["reasoning"]);
  set(found, temperature, ["temperature", "top_p"]);
  // Where sampling is locked, it is locked in every way.
  if (temperature === false) set(found, false, ["top_k", "min_p"]);
  set(found, structured_output, ["json_schema"]);
  if (model.efforts) found.reasoning_effort = Support.NATIVE;
  apply(found, model);
  // In the order of the table, so that lists of capabilities read alike.
  return Object.fromEntries(CAPABILITIES.flatMap((name) => (name in found ? [[name, found[name]]] : [])));
}

function apply(found: Capabilities, { has, lacks, ignores }: Abilities): void {
  for (const name of has ?? []) found[name] = Support.NATIVE;
  for (const name of lacks ?? []) found[name] = Support.REJECTED;
  for (const name of ignores ?? []) found[name] = Support.IGNORED;
}

function set(found: Capabilities, value: boolean | undefined, names: readonly Capability[]): void {
  if (value === undefined) return;
  for (const name of names) found[name] = value ? Support.NATIVE : Support.REJECTED;
}

function applyModalities(
  found: Capabilities,
  words: readonly string[] | undefined,
  names: Readonly<Record<string, Capability>>,
): void {
  for (const [word, name] of Object.entries(names)) set(found, words?.includes(word), [name]);
}

function priceList(version: string, groups: NonNullable<CatalogModel["prices"]>): PriceList {
  const entries = groups.flatMap((group): PriceEntry[] =>
    Object.entries(group.nano_usd).map(([unit, nanoUsd]) => ({
      unit,
      nanoUsd,
      ...(group.above_input_tokens === undefined ? {} : { aboveInputTokens: group.above_input_tokens }),
      ...(group.service_tier === undefined ? {} : { serviceTier: group.service_tier }),
      ...(group.ttl_seconds === undefined ? {} : { ttlSeconds: group.ttl_seconds }),
    })),
  );
  return { version, entries };
}

function definedOnly(policy: NonNullable<CatalogFile["data_policy"]>): NonNullable<ModelFacts["dataPolicy"]> {
  return {
    ...(policy.retains === undefined ? {} : { retains: policy.retains }),
    ...(policy.trains === undefined ? {} : { trains: policy.trains }),
  };
}
