import type { ChatResponse } from "../../contract/index.ts";
import { encodeMessage } from "./encode-message.ts";
import { encodeParley } from "./encode-parley.ts";
import { encodeUsage } from "./encode-usage.ts";
import { finishError, finishWord } from "./finish.ts";
import { modelName } from "./headers.ts";

/** How an answer is written. */
export interface EncodeAnswerOptions {
  /** Whether calls show as the deprecated `function_call`. */
  readonly legacyFunctions: boolean;
  /** Seconds since 1970 for an answer that does not tell when it was begun. */
  readonly nowSeconds: number;
}

// What OpenAI's schema allows; other words of providers are in `parley.service_tier`.
const SERVICE_TIERS = new Set(["auto", "default", "flex", "scale", "priority", "fast"]);

/** The service tier where OpenAI's format has a word for it. */
export function knownServiceTier(tier: string | undefined): string | undefined {
  return tier !== undefined && SERVICE_TIERS.has(tier) ? tier : undefined;
}

/**
 * The `chat.completion` of a whole answer: https://platform.openai.com/docs/api-reference/chat/object, with `parley`
 * beside. Throws where an answer ended in a way that this format would show as complete.
 */
export function encodeResponse(response: ChatResponse, options: EncodeAnswerOptions): Record<string, unknown> {
  const { origin, candidates, systemFingerprint } = response;
  const usage = encodeUsage(response.usage);
  const serviceTier = knownServiceTier(response.serviceTier);
  const fields: Record<string, unknown> = {
    id: response.id,
    object: "chat.completion",
    created: response.createdAt ? Number(response.createdAt.seconds) : options.nowSeconds,
    model: modelName(origin),
    choices: candidates.map((candidate) => {
      const word = finishWord(candidate.finish, options.legacyFunctions);
      if (word === undefined) throw finishError(candidate.finish);
      const { message, logprobs } = encodeMessage(candidate.message?.parts ?? [], options.legacyFunctions);
      return { index: candidate.index, message, logprobs, finish_reason: word };
    }),
  };
  if (usage) fields["usage"] = usage;
  if (serviceTier !== undefined) fields["service_tier"] = serviceTier;
  if (systemFingerprint !== undefined) fields["system_fingerprint"] = systemFingerprint;
  fields["parley"] = encodeParley({
    requestId: response.id,
    origin,
    attempts: response.attempts,
    adaptations: response.adaptations,
    cost: response.cost,
    usage: response.usage,
    finishes: candidates.map(({ index, finish }) => [index, finish]),
    upstreamId: response.upstreamId,
    serviceTier: response.serviceTier,
    trace: response.trace,
  });
  return fields;
}
