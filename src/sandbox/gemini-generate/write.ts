import type {
  Candidate as WireCandidate,
  GenerateContentRequest,
  GenerateContentResponse,
  LogprobsResult,
  Part,
  UsageMetadata,
} from "../../dialects/gemini-generate/wire.ts";
import { type Answer, type AnswerPart, type AnswerStep, answerSteps, type Candidate, type Usage } from "../answer.ts";
import { seal } from "../seal.ts";
import type { Stamp, StepWriter } from "../wire-format.ts";
import { signedContent } from "./messages.ts";

/** What an answer is written for. */
export interface Written {
  readonly request: GenerateContentRequest;
  readonly model: string;
  readonly answer: Answer;
  readonly stamp: Stamp;
}

/** JSON text of a whole answer. */
export function responseBody(written: Written): string {
  const { answer, request } = written;
  const candidates = answer.candidates.map((candidate, index): WireCandidate => {
    const parts = candidate.parts.flatMap((part) => wholeParts(written, candidate, part));
    const last = parts.at(-1);
    if (last?.text !== undefined && signsText(candidate)) last.thoughtSignature = textSignature();
    const content = { parts: parts.length === 0 ? [{ text: "" }] : parts, role: "model" };
    return { content, ...ending(candidate), index, ...logprobs(request, candidate.parts) };
  });
  return JSON.stringify(reply(written, { candidates }, answer.usage));
}

/** JSON text of the list that a stream is where nobody asked for events. */
export function listBody(written: Written): string {
  const write = eventWriter(written);
  const chunks = [...answerSteps(written.answer)].flatMap((step) => write(step).map(({ data }) => data));
  return `[${chunks.join(",\r\n")}]`;
}

/** Writes the events of a streamed answer: each tells what was used so far. */
export function eventWriter(written: Written): StepWriter {
  let thought = 0;
  let said = 0;
  return (step) => {
    if (step.type === "token" && step.content.kind === "reasoning") thought += 1;
    else if (step.type === "token") said += 1;
    const usage = written.answer.usage;
    const soFar = usage && { ...usage, outputTokens: thought + said, reasoningTokens: thought };
    const candidate = candidateOf(written, step);
    if (!candidate) return [];
    return [{ data: JSON.stringify(reply(written, { candidates: [candidate] }, soFar)) }];
  };
}

// The format has neither an opening nor a terminator: a call comes whole, the reason with the last piece.
function candidateOf(written: Written, step: AnswerStep): WireCandidate | undefined {
  const { request, answer } = written;
  const piece = (part: Part): WireCandidate => ({
    content: { parts: [part], role: "model" },
    index: "candidate" in step ? step.candidate : 0,
  });
  switch (step.type) {
    case "token": {
      if (step.content.kind === "tool_call") return undefined;
      if (step.content.kind !== "reasoning") {
        const tokens = { ...step.content, tokens: [step.text] };
        return { ...piece({ text: step.text }), ...logprobs(request, [tokens]) };
      }
      return showsThoughts(request) ? piece({ text: step.text, thought: true }) : undefined;
    }
    case "part_closed": {
      const candidate = answer.candidates[step.candidate];
      if (step.content.kind !== "tool_call" || !candidate) return undefined;
      const [call] = wholeParts(written, candidate, step.content);
      return call && piece(call);
    }
    case "candidate_closed": {
      const signature = signsText(step.content) ? { thoughtSignature: textSignature() } : {};
      return { ...piece({ text: "", ...signature }), ...ending(step.content) };
    }
    default:
      return undefined;
  }
}

function reply(written: Written, rest: GenerateContentResponse, usage: Usage | undefined): GenerateContentResponse {
  const used = usage ? { usageMetadata: usageOf(usage) } : {};
  return { ...rest, ...used, modelVersion: written.model, responseId: written.stamp.id };
}

function wholeParts({ request }: Written, candidate: Candidate, part: AnswerPart): Part[] {
  const whole = part.tokens.join("");
  if (part.kind === "reasoning") return showsThoughts(request) ? [{ text: whole, thought: true }] : [];
  if (part.kind !== "tool_call") return [{ text: whole }];
  const call: Part = { functionCall: { id: part.id.slice(0, 8), name: part.name, args: parsed(whole) } };
  // Of the calls of a step, the first one is signed.
  const isFirst = candidate.parts.find(({ kind }) => kind === "tool_call") === part;
  if (isFirst && thinks(candidate)) call.thoughtSignature = seal(signedContent(call));
  return [call];
}

function thinks({ parts }: Candidate): boolean {
  return parts.some(({ kind }) => kind === "reasoning");
}

function signsText(candidate: Candidate): boolean {
  return thinks(candidate) && candidate.parts.every(({ kind }) => kind !== "tool_call");
}

function textSignature(): string {
  return seal(signedContent({}));
}

function showsThoughts({ generationConfig }: GenerateContentRequest): boolean {
  return generationConfig?.thinkingConfig?.includeThoughts === true;
}

// What is no JSON, since it was cut, goes out as the text that it is.
function parsed(json: string): NonNullable<Part["functionCall"]>["args"] {
  try {
    return JSON.parse(json) as NonNullable<Part["functionCall"]>["args"];
  } catch {
    return json as never;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  stop: "STOP",
  length: "MAX_TOKENS",
  tool_calls: "STOP",
  content_filter: "SAFETY",
};

function ending({ finish }: Candidate): WireCandidate {
  if (finish === undefined) return {};
  const message = finish === "tool_calls" ? { finishMessage: "Model generated function call(s)." } : {};
  return { finishReason: REASONS[finish] ?? finish, ...message };
}

function usageOf(usage: Usage): UsageMetadata {
  const { inputTokens, outputTokens, reasoningTokens, cachedTokens } = usage;
  return {
    promptTokenCount: inputTokens,
    ...(cachedTokens > 0 ? { cachedContentTokenCount: cachedTokens } : {}),
    candidatesTokenCount: outputTokens - reasoningTokens,
    totalTokenCount: inputTokens + outputTokens,
    promptTokensDetails: [{ modality: "TEXT", tokenCount: inputTokens }],
    ...(reasoningTokens > 0 ? { thoughtsTokenCount: reasoningTokens } : {}),
    serviceTier: "standard",
  };
}

// Made up, but always the same for the same token.
function logprobs(request: GenerateContentRequest, parts: readonly AnswerPart[]): { logprobsResult?: LogprobsResult } {
  const { responseLogprobs, logprobs: most } = request.generationConfig ?? {};
  if (responseLogprobs !== true) return {};
  const tokens = parts.filter(({ kind }) => kind === "text").flatMap((part) => part.tokens);
  const entry = (token: string, rank = 0) => ({
    token: rank === 0 ? token : `${token}~${rank}`,
    tokenId: token.length + rank,
    logProbability: -(token.length % 7) / 100 - rank,
  });
  const alternatives = (token: string) => ({
    candidates: Array.from({ length: most ?? 1 }, (_, rank) => entry(token, rank)),
  });
  return {
    logprobsResult: {
      chosenCandidates: tokens.map((token) => entry(token)),
      topCandidates: tokens.map(alternatives),
    },
  };
}
