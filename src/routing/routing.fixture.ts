import type { ModelFacts } from "../catalog/facts.ts";
import { NO_STATISTICS } from "./candidates.ts";
import type { LiveTargets, Percentiles, TargetStatistics, Unavailable } from "./live.ts";
import type { ProviderModels } from "./model-table.ts";
import type { Target } from "./target.ts";

const factsOf = (more: Partial<ModelFacts> = {}): ModelFacts => ({ capabilities: {}, quirks: [], ...more });

/** Prices in nano-USD per million tokens. */
export const priced = (input: number, output: number): Partial<ModelFacts> => ({
  prices: {
    version: "config",
    entries: [
      { unit: "input", nanoUsd: input },
      { unit: "output", nanoUsd: output },
    ],
  },
});

/** A target by its name `provider/model`. */
export function targetOf(name: string, more: Partial<ModelFacts> = {}, region?: string): Target {
  const slash = name.indexOf("/");
  return { name, provider: name.slice(0, slash), model: name.slice(slash + 1), region, facts: factsOf(more) };
}

/** A provider that serves these models. */
export function providerOf(name: string, models: Record<string, Partial<ModelFacts>>, region?: string): ProviderModels {
  const targets = new Map(
    Object.entries(models).map(([id, more]) => [id, targetOf(`${name}/${id}`, more, region)] as const),
  );
  return { name, modelIds: [...targets.keys()], lists: (id) => targets.has(id), target: (id) => targets.get(id) };
}

/** Percentiles that are all the same. */
export const flat = (value: number): Percentiles => ({ p50: value, p95: value, p99: value });

/** Statistics of which nothing is known but what is given. */
export const statisticsOf = (more: Partial<TargetStatistics> = {}): TargetStatistics => ({ ...NO_STATISTICS, ...more });

/** What is known of targets, by their names, as a test says. */
export function liveOf(
  known: Record<string, { unavailable?: Unavailable; share?: number; statistics?: Partial<TargetStatistics> }>,
  credentials: Record<string, Unavailable> = {},
): LiveTargets {
  return {
    unavailable: ({ name }) => known[name]?.unavailable,
    credentialUnavailable: (id) => credentials[id],
    share: ({ name }) => known[name]?.share ?? 1,
    begin: () => ({ end: () => undefined }),
    statistics: ({ name }) => statisticsOf(known[name]?.statistics),
  };
}

/** A reason to leave a target for last. */
export const unavailableBy = (rule: Unavailable["rule"], more: Partial<Unavailable> = {}): Unavailable => ({
  rule,
  retryInMs: 1_000,
  why: "it rests",
  ...more,
});
