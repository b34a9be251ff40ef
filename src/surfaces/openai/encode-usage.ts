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
  const promptDetails: PromptTokensDetails = {};
  if (cacheReadTokens !== undefined) promptDetails.cached_tokens = cacheReadTokens;
  if (usage.cacheWrites.length > 0) promptDetails.cache_write_tokens = cacheWriteTokens;
  addModalities(promptDetails, usage.inputModalities);
  const completionDetails: CompletionTokensDetails = {};
  const { acceptedPredictionTokens: accepted, rejectedPredictionTokens: rejected } = usage;
  if (reasoningTokens !== undefined) completionDetails.reasoning_tokens = reasoningTokens;
  addModalities(completionDetails, usage.outputModalities);
  if (accepted !== undefined) completionDetails.accepted_prediction_tokens = accepted;
  if (rejected !== undefined) completionDetails.rejected_prediction_tokens = rejected;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: promptDetails,
    completion_tokens_details: completionDetails,
  };
}

const MODALITY_FIELDS = new Map<number, string>([
  [Modality.TEXT, "text_tokens"],
  [Modality.AUDIO, "audio_tokens"],
  [Modality.IMAGE, "image_tokens"],
]);

function addModalities(details: object, counts: readonly ModalityTokens[]): void {
  for (const { modality, tokens } of counts) {
    const name = MODALITY_FIELDS.get(modality);
    if (name !== undefined) (details as Record<string, number>)[name] = tokens;
  }
}

const SOURCE_NAMES = new Map<number, string>(
  Object.entries(UsageSource).map(([name, value]) => [value, name.toLowerCase()]),
);

/** Usage as the contract has it, in disjoint buckets, with where it comes from. */
export function encodeBuckets(usage: Usage): Record<string, unknown> {
  const { inputTokens, cacheReadTokens, cacheWrites, toolPromptTokens, meters } = usage;
  const fields: Record<string, unknown> = {
    source: SOURCE_NAMES.get(usage.source) ?? "unspecified",
    balanced: usage.balanced,
  };
  if (inputTokens !== undefined) fields["input_tokens"] = inputTokens;
  if (cacheReadTokens !== undefined) fields["cache_read_tokens"] = cacheReadTokens;
  if (cacheWrites.length > 0) {
    fields["cache_writes"] = cacheWrites.map(({ ttlSeconds, tokens }) =>
      ttlSeconds === undefined ? { tokens } : { tokens, ttl_seconds: ttlSeconds },
    );
  }
  if (toolPromptTokens !== undefined) fields["tool_prompt_tokens"] = toolPromptTokens;
  if (usage.outputTokens !== undefined) fields["output_tokens"] = usage.outputTokens;
  if (usage.reasoningTokens !== undefined) fields["reasoning_tokens"] = usage.reasoningTokens;
  if (usage.reportedTotalTokens !== undefined) fields["reported_total_tokens"] = usage.reportedTotalTokens;
  if (meters.length > 0) fields["meters"] = meters.map(({ unit, quantity }) => ({ unit, quantity }));
  return fields;
}
