import { create } from "@bufbuild/protobuf";
import {
  CacheWriteSchema,
  MeterSchema,
  Modality,
  ModalityTokensSchema,
  type CacheWrite,
  type Meter,
  type ModalityTokens,
  type Usage,
  type UsageSource,
} from "../../contract/index.ts";
import type { CompletionTokensDetails, CompletionUsage, PromptTokensDetails } from "./wire.ts";

const MAX_COUNT = 0xffffffff;

/** A count of the wire, or undefined where it is not one. */
function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT ? value : undefined;
}

/**
 * Usage in disjoint buckets. The wire's prompt tokens include cached ones. Its completion tokens include reasoning ones,
 * except at vendors (xAI, some gateways) that count them apart: the stated total, or reasoning above completion, tells.
 */
export function decodeUsage(wire: CompletionUsage, source: UsageSource): Usage {
  const prompt = count(wire.prompt_tokens);
  const completion = count(wire.completion_tokens);
  const total = count(wire.total_tokens);
  const cacheRead = cacheReadTokens(wire);
  const cacheWrites = decodeCacheWrites(wire);
  const written = cacheWrites.reduce((sum, write) => sum + write.tokens, 0);
  const reasoning = count(wire.completion_tokens_details?.reasoning_tokens) ?? count(wire.reasoning_tokens);
  const sounds = soundsCountedApart(wire, prompt, completion, total);
  const input = prompt === undefined ? undefined : Math.max(0, prompt + sounds - (cacheRead ?? 0) - written);
  const output = visibleOutput(prompt, completion, total, reasoning);
  const sum = (input ?? 0) + (cacheRead ?? 0) + written + (output ?? 0) + (reasoning ?? 0);
  const accepted = count(wire.completion_tokens_details?.accepted_prediction_tokens);
  const rejected = count(wire.completion_tokens_details?.rejected_prediction_tokens);
  const usage: Usage = {
    $typeName: "parley.v1.Usage",
    cacheWrites,
    inputModalities: modalities(wire.prompt_tokens_details),
    outputModalities: modalities(wire.completion_tokens_details),
    meters: decodeMeters(wire),
    source,
    balanced: total === undefined || total === sum,
  };
  if (input !== undefined) usage.inputTokens = input;
  if (cacheRead !== undefined) usage.cacheReadTokens = cacheRead;
  if (output !== undefined) usage.outputTokens = output;
  if (reasoning !== undefined) usage.reasoningTokens = reasoning;
  if (accepted !== undefined) usage.acceptedPredictionTokens = accepted;
  if (rejected !== undefined) usage.rejectedPredictionTokens = rejected;
  if (total !== undefined) usage.reportedTotalTokens = total;
  return usage;
}

function cacheReadTokens(wire: CompletionUsage): number | undefined {
  return (
    count(wire.prompt_tokens_details?.cached_tokens) ??
    count(wire.prompt_cache_hit_tokens) ??
    count(wire.cached_tokens) ??
    count(wire.num_cached_tokens) ??
    count(wire.cache_read_input_tokens)
  );
}

// Some vendors (Mistral) leave the tokens of sounds out of the prompt's: the stated total tells.
function soundsCountedApart(
  wire: CompletionUsage,
  prompt: number | undefined,
  completion: number | undefined,
  total: number | undefined,
): number {
  const sounds = count(wire.prompt_tokens_details?.audio_tokens) ?? 0;
  return total !== undefined && total === (prompt ?? 0) + (completion ?? 0) + sounds ? sounds : 0;
}

function visibleOutput(
  prompt: number | undefined,
  completion: number | undefined,
  total: number | undefined,
  reasoning: number | undefined,
): number | undefined {
  if (completion === undefined || reasoning === undefined) return completion;
  const countedApart = total !== undefined && reasoning > 0 && total === (prompt ?? 0) + completion + reasoning;
  return countedApart || reasoning > completion ? completion : completion - reasoning;
}

const WRITE_SECONDS = [
  ["ephemeral_5m_input_tokens", 300],
  ["ephemeral_1h_input_tokens", 3600],
  ["ephemeral_24h_input_tokens", 86_400],
] as const;

function decodeCacheWrites(wire: CompletionUsage): CacheWrite[] {
  const byLifetime = WRITE_SECONDS.flatMap(([member, ttlSeconds]) => {
    const tokens = count(wire.cache_creation?.[member]) ?? 0;
    return tokens > 0 ? [create(CacheWriteSchema, { ttlSeconds, tokens })] : [];
  });
  if (byLifetime.length > 0) return byLifetime;
  const details = wire.prompt_tokens_details;
  const tokens =
    count(details?.cache_write_tokens) ??
    count(details?.cache_creation_tokens) ??
    count(wire.cache_creation_input_tokens) ??
    0;
  return tokens > 0 ? [create(CacheWriteSchema, { tokens })] : [];
}

const MODALITY_MEMBERS = [
  ["text_tokens", Modality.TEXT],
  ["image_tokens", Modality.IMAGE],
  ["audio_tokens", Modality.AUDIO],
  ["video_tokens", Modality.VIDEO],
] as const;

// Zeros are left out: nearly every answer lists modalities it does not have.
function modalities(details: PromptTokensDetails | CompletionTokensDetails | null | undefined): ModalityTokens[] {
  if (!details) return [];
  const counts = details as Readonly<Record<string, unknown>>;
  return MODALITY_MEMBERS.flatMap(([member, modality]) => {
    const tokens = count(counts[member]) ?? 0;
    return tokens > 0 ? [create(ModalityTokensSchema, { modality, tokens })] : [];
  });
}

function decodeMeters(wire: CompletionUsage): Meter[] {
  const quantities: readonly (readonly [unit: string, quantity: unknown])[] = [
    ["web_search_requests", wire.server_tool_use_details?.web_search_requests ?? wire.num_search_queries],
    ["search_sources", wire.num_sources_used],
    ["audio_seconds", wire.prompt_audio_seconds],
  ];
  return quantities.flatMap(([unit, quantity]) =>
    typeof quantity === "number" && Number.isFinite(quantity) && quantity > 0
      ? [create(MeterSchema, { unit, quantity })]
      : [],
  );
}
