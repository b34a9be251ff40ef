import { Buffer } from "node:buffer";
import type {
  ChatCompletionChoice,
  ChatCompletionChunk,
  ChatCompletionMessage,
  ChatCompletionRequest,
  ChatCompletionResponse,
  ChoiceLogprobs,
  ChunkDelta,
  CompletionUsage,
  LogprobEntry,
  ReceivedToolCall,
} from "../../dialects/openai-chat/wire.ts";
import type { Answer, AnswerPart, AnswerStep, Candidate, Usage } from "../answer.ts";
import type { SseEvent } from "../sse.ts";
import type { Stamp } from "../wire-format.ts";

const FINGERPRINT = "fp_sandbox00";

/** JSON text of a whole answer. */
export function responseBody(request: ChatCompletionRequest, answer: Answer, stamp: Stamp): string {
  const response: ChatCompletionResponse = {
    id: `chatcmpl-${stamp.id}`,
    object: "chat.completion",
    created: stamp.createdSeconds,
    model: request.model,
    choices: answer.candidates.map((candidate, index) => choice(request, candidate, index)),
    ...(answer.usage ? { usage: usageOf(answer.usage) } : {}),
    service_tier: "default",
    system_fingerprint: FINGERPRINT,
  };
  return JSON.stringify(response);
}

function choice(request: ChatCompletionRequest, candidate: Candidate, index: number): ChatCompletionChoice {
  const calls = candidate.parts.flatMap((part) => (part.kind === "tool_call" ? [toolCall(part)] : []));
  const thoughts = joined(candidate, "reasoning");
  const message: ChatCompletionMessage = {
    role: "assistant",
    content: joined(candidate, "text") ?? (candidate.parts.length === 0 ? "" : null),
    refusal: joined(candidate, "refusal"),
    ...(thoughts === null ? {} : { reasoning_content: thoughts }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    annotations: [],
  };
  return { index, message, logprobs: wholeLogprobs(request, candidate), finish_reason: candidate.finish ?? null };
}

function joined(candidate: Candidate, kind: AnswerPart["kind"]): string | null {
  const parts = candidate.parts.filter((part) => part.kind === kind);
  return parts.length === 0 ? null : parts.flatMap((part) => part.tokens).join("");
}

function toolCall(part: Extract<AnswerPart, { kind: "tool_call" }>, input?: string): ReceivedToolCall {
  const { id, name } = part;
  const whole = input ?? part.tokens.join("");
  if (part.freeText) return { id: `call_${id}`, type: "custom", custom: { name, input: whole } };
  return { id: `call_${id}`, type: "function", function: { name, arguments: whole } };
}

/** The events of one step of a streamed answer. */
export function chunkEvents(
  request: ChatCompletionRequest,
  answer: Answer,
  step: AnswerStep,
  stamp: Stamp,
): SseEvent[] {
  switch (step.type) {
    case "candidate_opened":
      return [chunk(request, stamp, step.candidate, openingDelta(step.content), null)];
    case "part_opened": {
      if (step.content.kind !== "tool_call") return [];
      const call = { index: callIndex(answer, step), ...toolCall(step.content, "") };
      return [chunk(request, stamp, step.candidate, { tool_calls: [call] }, null)];
    }
    case "token":
      return [chunk(request, stamp, step.candidate, tokenDelta(answer, step), null, tokenLogprobs(request, step))];
    case "candidate_closed":
      return [chunk(request, stamp, step.candidate, {}, step.finish)];
    case "usage":
      return asksUsage(request) ? [event(request, stamp, { choices: [], usage: usageOf(step.usage) })] : [];
    case "closed":
      return [{ data: "[DONE]" }];
    default:
      return [];
  }
}

function openingDelta({ parts }: Candidate): ChunkDelta {
  const has = (kind: AnswerPart["kind"]) => parts.some((part) => part.kind === kind);
  const content = has("tool_call") || has("refusal") ? null : "";
  return { role: "assistant", content, refusal: has("refusal") ? "" : null };
}

function tokenDelta(answer: Answer, step: Extract<AnswerStep, { type: "token" }>): ChunkDelta {
  const { content, text } = step;
  if (content.kind === "reasoning") return { reasoning_content: text };
  if (content.kind === "refusal") return { refusal: text };
  if (content.kind === "text") return { content: text };
  const fragment =
    content.kind === "tool_call" && content.freeText ? { custom: { input: text } } : { function: { arguments: text } };
  return { tool_calls: [{ index: callIndex(answer, step), ...fragment }] };
}

// Its place among the calls, reasoning and text before them not counted.
function callIndex(answer: Answer, { candidate, part }: { candidate: number; part: number }): number {
  const before = answer.candidates[candidate]?.parts.slice(0, part) ?? [];
  return before.filter(({ kind }) => kind === "tool_call").length;
}

function chunk(
  request: ChatCompletionRequest,
  stamp: Stamp,
  index: number,
  delta: ChunkDelta,
  finish_reason: string | null,
  logprobs: ChoiceLogprobs | null = null,
): SseEvent {
  const usage = asksUsage(request) ? { usage: null } : {};
  return event(request, stamp, { choices: [{ index, delta, logprobs, finish_reason }], ...usage });
}

function event(request: ChatCompletionRequest, stamp: Stamp, rest: ChatCompletionChunk): SseEvent {
  const body: ChatCompletionChunk = {
    id: `chatcmpl-${stamp.id}`,
    object: "chat.completion.chunk",
    created: stamp.createdSeconds,
    model: request.model,
    service_tier: "default",
    system_fingerprint: FINGERPRINT,
    ...rest,
  };
  if (request.stream_options?.include_obfuscation === false) return { data: JSON.stringify(body) };
  // Pads events to a common size, so that their lengths do not tell the tokens.
  const data = JSON.stringify({ ...body, obfuscation: "" });
  return { data: `${data.slice(0, -2)}${PADDING.slice(data.length % 16)}"}` };
}

const PADDING = "PadPadPadPadPad0";

function asksUsage(request: ChatCompletionRequest): boolean {
  return request.stream_options?.include_usage === true;
}

function usageOf(usage: Usage): CompletionUsage {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function wholeLogprobs(request: ChatCompletionRequest, candidate: Candidate): ChoiceLogprobs | null {
  if (request.logprobs !== true) return null;
  const entries = (kind: AnswerPart["kind"]) => {
    const tokens = candidate.parts.flatMap((part) => (part.kind === kind ? part.tokens : []));
    return tokens.length === 0 ? null : tokens.map((token) => logprob(request, token));
  };
  return { content: entries("text"), refusal: entries("refusal") };
}

function tokenLogprobs(
  request: ChatCompletionRequest,
  { content, text }: Extract<AnswerStep, { type: "token" }>,
): ChoiceLogprobs | null {
  if (request.logprobs !== true || (content.kind !== "text" && content.kind !== "refusal")) return null;
  const entries = [logprob(request, text)];
  return content.kind === "text" ? { content: entries, refusal: null } : { content: null, refusal: entries };
}

// Made up, but always the same for the same token.
function logprob(request: ChatCompletionRequest, token: string): LogprobEntry {
  const alternatives = Array.from({ length: request.top_logprobs ?? 0 }, (_, rank) => ({
    token: rank === 0 ? token : `${token}~${rank}`,
    logprob: -(token.length % 7) / 100 - rank,
    bytes: [...Buffer.from(rank === 0 ? token : `${token}~${rank}`)],
  }));
  return {
    token,
    logprob: -(token.length % 7) / 100,
    bytes: [...Buffer.from(token)],
    top_logprobs: alternatives,
  };
}
