import { Modality, UsageSource, type ModalityTokens, type Usage } from "../../contract/index.ts";
import type { CompletionTokensDetails, CompletionUsage, PromptTokensDetails } from "../../dialects/openai-chat/wire.ts";

/**
 * Usage as OpenAI counts it: cached tokens are prompt tokens, reasoning tokens are completion tokens. Undefined where
 * input or output is unknown, since unknown is not zero; what is known is then in `parley.usage`.
 */
export function encodeUsage(usage: Usage | undefined): CompletionUsage | undefined {
  if (!usage) return undefined;
  const { inputTokens, outputTokens, reasoningTokens, cacheReadTokens, toolPromptTokens } = usage;
  const cacheWriteTokens = usage.cacheWrites.reduce((sum, write) => sum + write.tokens, 0);
  const isInputKnown = inputTokens !== undefined || cacheReadTokens !== undefined || usage.cacheWrites.length > 0;
  if (!isInputKnown || (outputTokens === undefined && reasoningTokens === undefined)) return undefined;
  const prompt = (inputTokens ?? 0) + (cacheReadTokens ?? 0) + cacheWriteTokens + (toolPromptTokens ?? 0);
  const completion = (outputTokens ?? 0) + (reasoningTokens ?? 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      ...known("cached_tokens", cacheReadTokens),
      ...(usage.cacheWrites.length > 0 ? { cache_write_tokens: cacheWriteTokens } : {}),
      ...modalities(usage.inputModalities),
    } satisfies PromptTokensDetails,
    completion_tokens_details: {
      ...known("reasoning_tokens", reasoningTokens),
      ...modalities(usage.outputModalities),
      ...known("accepted_prediction_tokens", usage.acceptedPredictionTokens),
      ...known("rejected_prediction_tokens", usage.rejectedPredictionTokens),
    } satisfies CompletionTokensDetails,
  };
}

function known<Name extends string>(name: Name, tokens: number | undefined): Partial<Record<Name, number>> {
  return tokens === undefined ? {} : ({ [name]: tokens } as Partial<Record<Name, number>>);
}

const MODALITY_FIELDS = new Map<number, string>([
  [Modality.TEXT, "text_tokens"],
  [Modality.AUDIO, "audio_tokens"],
  [Modality.IMAGE, "image_tokens"],
]);

function modalities(counts: readonly ModalityTokens[]): Record<string, number> {
  const fields: Record<string, number> = {};
  for (const { modality, tokens } of counts) {
    const name = MODALITY_FIELDS.get(modality);
    if (name !== undefined) fields[name] = tokens;
  }
  return fields;
}

const SOURCE_NAMES = new Map<number, string>(
  Object.entries(UsageSource).map(([name, value]) => [value, name.toLowerCase()]),
);

/** Usage as the contract has it, in disjoint buckets, with where it comes from. */
export function encodeBuckets(usage: Usage): Record<string, unknown> {
  return {
    source: SOURCE_NAMES.get(usage.source) ?? "unspecified",
    balanced: usage.balanced,
    ...known("input_tokens", usage.inputTokens),
    ...known("cache_read_tokens", usage.cacheReadTokens),
    ...(usage.cacheWrites.length === 0
      ? {}
      : {
          cache_writes: usage.cacheWrites.map(({ ttlSeconds, tokens }) => ({
            tokens,
            ...known("ttl_seconds", ttlSeconds),
          })),
        }),
    ...known("tool_prompt_tokens", usage.toolPromptTokens),
    ...known("output_tokens", usage.outputTokens),
    ...known("reasoning_tokens", usage.reasoningTokens),
    ...known("reported_total_tokens", usage.reportedTotalTokens),
    ...(usage.meters.length === 0 ? {} : { meters: usage.meters.map(({ unit, quantity }) => ({ unit, quantity })) }),
  };
}
