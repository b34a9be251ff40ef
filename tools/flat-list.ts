import type { ListedModel, ModelList } from "./import-catalog.ts";

// A list of models that is flat: one row per model, prices in US dollars per million tokens, long requests as tiers.

interface FlatRow {
  readonly provider: string;
  readonly id: string;
  readonly name?: string;
  readonly kind?: string;
  readonly context?: number;
  readonly max_output?: number;
  readonly usd_per_1m_tokens?: FlatRates & { readonly tiers?: readonly (FlatRates & { above_tokens: number })[] };
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly tools?: boolean;
  readonly reasoning?: boolean;
  readonly temperature?: boolean;
  readonly structured_output?: boolean;
  readonly status?: string;
  readonly reasoning_options?: ListedModel["reasoning_options"];
  readonly deprecation_date?: string;
}

type FlatRates = Readonly<Record<string, unknown>>;

interface FlatList {
  readonly providers: Readonly<Record<string, { readonly models_dev_id?: string }>>;
  readonly models: readonly FlatRow[];
}

/** The list in the shape of models.dev, whichever of the two shapes it has. */
export function listOf(value: unknown): ModelList {
  if (!isFlat(value)) return value as ModelList;
  const list: Record<string, { models: Record<string, ListedModel> }> = {};
  for (const row of value.models) {
    if (row.kind !== undefined && row.kind !== "chat") continue;
    const provider = value.providers[row.provider]?.models_dev_id ?? row.provider;
    (list[provider] ??= { models: {} }).models[row.id] = listedModel(row);
  }
  return list;
}

function isFlat(value: unknown): value is FlatList {
  return Array.isArray((value as FlatList | null)?.models);
}

function listedModel(row: FlatRow): ListedModel {
  const { name, reasoning, temperature, tools, structured_output, status, reasoning_options, deprecation_date } = row;
  const { tiers, ...rates } = row.usd_per_1m_tokens ?? {};
  const model = {
    name,
    reasoning,
    temperature,
    tool_call: tools,
    structured_output,
    modalities: { input: row.input, output: row.output },
    limit: { context: row.context, output: row.max_output },
    cost: row.usd_per_1m_tokens && {
      ...rates,
      ...(tiers && {
        tiers: tiers.map(({ above_tokens: size, ...rest }) => ({ ...rest, tier: { type: "context", size } })),
      }),
    },
    status,
    reasoning_options,
    deprecation_date,
  };
  // What a row does not say is absent, as in the other shape.
  return JSON.parse(JSON.stringify(model)) as ListedModel;
}
