import { create } from "@bufbuild/protobuf";
import {
  CacheWriteSchema,
  CostSchema,
  MeterSchema,
  Modality,
  ModalityTokensSchema,
  UsageSchema,
  UsageSource,
  type Cost,
  type ModalityTokens,
  type Usage,
} from "../contract/index.ts";

/** Usage as the journal keeps it. What is unknown is left out, which is not zero. */
export interface UsageJson {
  readonly input?: number | undefined;
  readonly cache_read?: number | undefined;
  /** Pairs of time to live in seconds, null where not told, and tokens. */
  readonly cache_writes?: readonly (readonly [number | null, number])[] | undefined;
  readonly tool_prompt?: number | undefined;
  readonly output?: number | undefined;
  readonly reasoning?: number | undefined;
  /** Pairs of modality and tokens. */
  readonly input_by?: readonly (readonly [string, number])[] | undefined;
  readonly output_by?: readonly (readonly [string, number])[] | undefined;
  readonly accepted_prediction?: number | undefined;
  readonly rejected_prediction?: number | undefined;
  /** Pairs of unit and quantity. */
  readonly meters?: readonly (readonly [string, number])[] | undefined;
  readonly source: string;
  readonly total?: number | undefined;
  readonly balanced?: boolean | undefined;
}

/** Cost as the journal keeps it. */
export interface CostJson {
  /** Nano-USD as a decimal string: JSON's numbers end at 2^53. */
  readonly nano_usd?: string | undefined;
  readonly prices?: string | undefined;
  readonly estimated?: boolean | undefined;
}

const sources = wordsOf(UsageSource);
const modalities = wordsOf(Modality);

/** The journal's form of usage. */
export function usageToJson(usage: Usage): UsageJson {
  const { cacheWrites, inputModalities, outputModalities, meters } = usage;
  return {
    input: usage.inputTokens,
    cache_read: usage.cacheReadTokens,
    cache_writes: cacheWrites.length > 0 ? cacheWrites.map((one) => [one.ttlSeconds ?? null, one.tokens]) : undefined,
    tool_prompt: usage.toolPromptTokens,
    output: usage.outputTokens,
    reasoning: usage.reasoningTokens,
    input_by: modalitiesToJson(inputModalities),
    output_by: modalitiesToJson(outputModalities),
    accepted_prediction: usage.acceptedPredictionTokens,
    rejected_prediction: usage.rejectedPredictionTokens,
    meters: meters.length > 0 ? meters.map((one) => [one.unit, one.quantity]) : undefined,
    source: sources.byNumber.get(usage.source) ?? "unspecified",
    total: usage.reportedTotalTokens,
    balanced: usage.balanced || undefined,
  };
}

/** The contract's form of usage. */
export function usageFromJson(json: UsageJson): Usage {
  const usage = create(UsageSchema, {
    source: sources.byWord.get(json.source) ?? UsageSource.UNSPECIFIED,
    balanced: json.balanced ?? false,
    cacheWrites: (json.cache_writes ?? []).map(([ttlSeconds, tokens]) =>
      create(CacheWriteSchema, ttlSeconds === null ? { tokens } : { ttlSeconds, tokens }),
    ),
    inputModalities: modalitiesFromJson(json.input_by),
    outputModalities: modalitiesFromJson(json.output_by),
    meters: (json.meters ?? []).map(([unit, quantity]) => create(MeterSchema, { unit, quantity })),
  });
  if (json.input !== undefined) usage.inputTokens = json.input;
  if (json.cache_read !== undefined) usage.cacheReadTokens = json.cache_read;
  if (json.tool_prompt !== undefined) usage.toolPromptTokens = json.tool_prompt;
  if (json.output !== undefined) usage.outputTokens = json.output;
  if (json.reasoning !== undefined) usage.reasoningTokens = json.reasoning;
  if (json.accepted_prediction !== undefined) usage.acceptedPredictionTokens = json.accepted_prediction;
  if (json.rejected_prediction !== undefined) usage.rejectedPredictionTokens = json.rejected_prediction;
  if (json.total !== undefined) usage.reportedTotalTokens = json.total;
  return usage;
}

/** Usage from the text of its form in the journal. */
export function usageFromText(text: string): Usage {
  return usageFromJson(JSON.parse(text) as UsageJson);
}

/** The journal's form of a cost. */
export function costToJson(cost: Cost): CostJson {
  return { nano_usd: cost.nanoUsd?.toString(), prices: cost.priceVersion, estimated: cost.estimated || undefined };
}

/** The contract's form of a cost. */
export function costFromJson(json: CostJson): Cost {
  const cost = create(CostSchema, { estimated: json.estimated ?? false });
  if (json.nano_usd !== undefined) cost.nanoUsd = BigInt(json.nano_usd);
  if (json.prices !== undefined) cost.priceVersion = json.prices;
  return cost;
}

function modalitiesToJson(list: readonly ModalityTokens[]): [string, number][] | undefined {
  if (list.length === 0) return undefined;
  return list.map((one) => [modalities.byNumber.get(one.modality) ?? "unspecified", one.tokens]);
}

function modalitiesFromJson(list: UsageJson["input_by"]): ModalityTokens[] {
  return (list ?? []).map(([word, tokens]) =>
    create(ModalityTokensSchema, { modality: modalities.byWord.get(word) ?? Modality.UNSPECIFIED, tokens }),
  );
}

// Words and not numbers on disk, so that a line can be read without the contract beside it.
function wordsOf<T extends number>(values: Readonly<Record<string, T>>) {
  const entries = Object.entries(values).map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    byNumber: new Map<number, string>(entries.map(([word, value]) => [value, word])),
    byWord: new Map<string, T>(entries),
  };
}
