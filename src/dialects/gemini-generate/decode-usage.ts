import { create } from "@bufbuild/protobuf";
import {
  MeterSchema,
  Modality,
  ModalityTokensSchema,
  UsageSchema,
  type ModalityTokens,
  type Usage,
  type UsageSource,
} from "../../contract/index.ts";
import type { ModalityTokenCount, Nullable, UsageMetadata } from "./wire.ts";

const MAX_COUNT = 0xffffffff;

/** A count of the wire, or undefined where it is not one. */
function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT ? value : undefined;
}

/** Whether the wire tells any figure. Vertex AI sends objects without one during a stream. */
export function hasFigures(wire: Nullable<UsageMetadata>): wire is UsageMetadata {
  return (
    typeof wire === "object" && wire !== null && count(wire.totalTokenCount ?? wire.promptTokenCount) !== undefined
  );
}

/**
 * Usage in disjoint buckets. The wire's prompt includes cached tokens; its candidates exclude thoughts, and its total is
 * prompt, tool use, candidates and thoughts. `searches`: how many searches the answer tells of.
 */
export function decodeUsage(wire: UsageMetadata, source: UsageSource, searches: number): Usage {
  const prompt = count(wire.promptTokenCount);
  const cacheRead = count(wire.cachedContentTokenCount);
  const toolPrompt = count(wire.toolUsePromptTokenCount);
  const output = count(wire.candidatesTokenCount);
  const reasoning = count(wire.thoughtsTokenCount);
  const total = count(wire.totalTokenCount);
  const input = prompt === undefined ? undefined : Math.max(0, prompt - (cacheRead ?? 0));
  const sum = (input ?? 0) + (cacheRead ?? 0) + (toolPrompt ?? 0) + (output ?? 0) + (reasoning ?? 0);
  return create(UsageSchema, {
    ...(input === undefined ? {} : { inputTokens: input }),
    ...(cacheRead === undefined ? {} : { cacheReadTokens: cacheRead }),
    ...(toolPrompt === undefined ? {} : { toolPromptTokens: toolPrompt }),
    ...(output === undefined ? {} : { outputTokens: output }),
    ...(reasoning === undefined ? {} : { reasoningTokens: reasoning }),
    inputModalities: modalities(wire.promptTokensDetails, wire.toolUsePromptTokensDetails),
    outputModalities: modalities(wire.candidatesTokensDetails),
    meters: searches > 0 ? [create(MeterSchema, { unit: "web_search_requests", quantity: searches })] : [],
    source,
    ...(total === undefined ? {} : { reportedTotalTokens: total }),
    balanced: total === undefined || total === sum,
  });
}

const MODALITIES: ReadonlyMap<unknown, Modality> = new Map<unknown, Modality>([
  ["TEXT", Modality.TEXT],
  ["IMAGE", Modality.IMAGE],
  ["VIDEO", Modality.VIDEO],
  ["AUDIO", Modality.AUDIO],
  ["DOCUMENT", Modality.DOCUMENT],
  // Clients that ask for enumerations as numbers get these.
  [1, Modality.TEXT],
  [2, Modality.IMAGE],
  [3, Modality.VIDEO],
  [4, Modality.AUDIO],
  [5, Modality.DOCUMENT],
]);

function modalities(...lists: readonly Nullable<readonly ModalityTokenCount[]>[]): ModalityTokens[] {
  const sums = new Map<Modality, number>();
  for (const entry of lists.flatMap((list) => (Array.isArray(list) ? (list as ModalityTokenCount[]) : []))) {
    const modality = MODALITIES.get(entry?.modality);
    const tokens = count(entry?.tokenCount) ?? 0;
    if (modality !== undefined && tokens > 0) sums.set(modality, (sums.get(modality) ?? 0) + tokens);
  }
  return [...sums].map(([modality, tokens]) => create(ModalityTokensSchema, { modality, tokens }));
}
