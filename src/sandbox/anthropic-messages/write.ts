import type {
  MessagesRequest,
  ReceivedBlock,
  ReceivedEvent,
  ReceivedMessage,
  ReceivedUsage,
} from "../../dialects/anthropic-messages/wire.ts";
import type { Answer, AnswerPart, AnswerStep, Candidate, Usage } from "../answer.ts";
import { seal } from "../seal.ts";
import type { SseEvent } from "../sse.ts";
import type { Stamp, StepWriter } from "../wire-format.ts";

/** JSON text of a whole answer. */
export function responseBody(request: MessagesRequest, answer: Answer, stamp: Stamp): string {
  const candidate = onlyCandidate(answer);
  const message = {
    ...opening(request, stamp),
    content: candidate.parts.map((part) => wholeBlock(request, part)),
    ...ending(candidate),
    ...(answer.usage ? { usage: { ...wholeUsage(answer.usage), output_tokens: answer.usage.outputTokens } } : {}),
  };
  return JSON.stringify(message);
}

/** Writes the events of a streamed answer. */
export function eventWriter(request: MessagesRequest, answer: Answer, stamp: Stamp): StepWriter {
  const candidate = onlyCandidate(answer);
  return (step) => eventsOf(request, answer, candidate, step, stamp).map(event);
}

function eventsOf(
  request: MessagesRequest,
  answer: Answer,
  candidate: Candidate,
  step: AnswerStep,
  stamp: Stamp,
): readonly ReceivedEvent[] {
  switch (step.type) {
    case "candidate_opened": {
      const usage = answer.usage ? { usage: { ...wholeUsage(answer.usage), output_tokens: 1 } } : {};
      const message = { ...opening(request, stamp), content: [], stop_reason: null, stop_sequence: null, ...usage };
      return [{ type: "message_start", message }, { type: "ping" }];
    }
    case "part_opened":
      return [{ type: "content_block_start", index: step.part, content_block: emptyBlock(step.content) }];
    case "token": {
      const delta = deltaOf(request, step.content, step.text);
      return delta ? [{ type: "content_block_delta", index: step.part, delta }] : [];
    }
    case "part_closed": {
      const signed =
        step.content.kind === "reasoning"
          ? [signatureEvent(step.part, signatureOf(request, step.content.tokens.join("")))]
          : [];
      return [...signed, { type: "content_block_stop", index: step.part }];
    }
    // The reason comes with the usage; where there is none, alone.
    case "candidate_closed":
      return answer.usage ? [] : [{ type: "message_delta", delta: ending(candidate) }];
    case "usage":
      return [{ type: "message_delta", delta: ending(candidate), usage: lastUsage(step.usage) }];
    default:
      return [{ type: "message_stop" }];
  }
}

function event(data: ReceivedEvent): SseEvent {
  return { event: data.type ?? "", data: JSON.stringify(data) };
}

function signatureEvent(index: number, signature: string): ReceivedEvent {
  return { type: "content_block_delta", index, delta: { type: "signature_delta", signature } };
}

// The format has one answer; this one is all that is asked for.
function onlyCandidate(answer: Answer): Candidate {
  return answer.candidates[0] ?? { parts: [], finish: undefined };
}

function opening(request: MessagesRequest, stamp: Stamp): ReceivedMessage {
  return { model: request.model ?? "", id: `msg_${stamp.id}`, type: "message", role: "assistant" };
}

const REASONS: Readonly<Record<string, string>> = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  content_filter: "refusal",
};

function ending({ parts, finish, stoppedBy }: Candidate): ReceivedMessage {
  const refused = finish === "content_filter" || (finish === "stop" && parts.some(({ kind }) => kind === "refusal"));
  const word = finish === undefined ? null : (REASONS[finish] ?? finish);
  const reason = stoppedBy === undefined ? word : "stop_sequence";
  return {
    stop_reason: refused ? "refusal" : reason,
    stop_sequence: stoppedBy ?? null,
    stop_details: refused ? { type: "refusal", category: null, explanation: "The sandbox has stopped here." } : null,
  };
}

function wholeBlock(request: MessagesRequest, part: AnswerPart): ReceivedBlock {
  const whole = part.tokens.join("");
  if (part.kind === "reasoning") {
    return { ...emptyBlock(part), thinking: isShown(request) ? whole : "", signature: signatureOf(request, whole) };
  }
  if (part.kind === "tool_call") return { ...emptyBlock(part), input: parsed(whole) };
  return { ...emptyBlock(part), text: whole };
}

function emptyBlock(part: AnswerPart): ReceivedBlock {
  if (part.kind === "reasoning") return { type: "thinking", thinking: "", signature: "" };
  if (part.kind !== "tool_call") return { type: "text", text: "" };
  return { type: "tool_use", id: `toolu_${part.id}`, name: part.name, input: {}, caller: { type: "direct" } };
}

function deltaOf(request: MessagesRequest, part: AnswerPart, text: string): ReceivedEvent["delta"] | undefined {
  if (part.kind === "reasoning") return isShown(request) ? { type: "thinking_delta", thinking: text } : undefined;
  if (part.kind === "tool_call") return { type: "input_json_delta", partial_json: text };
  return { type: "text_delta", text };
}

function isShown({ thinking }: MessagesRequest): boolean {
  return !(thinking && "display" in thinking && thinking.display === "omitted");
}

function signatureOf(request: MessagesRequest, thoughts: string): string {
  return seal(isShown(request) ? thoughts : "");
}

// What is no JSON, since it was cut, goes out as the text that it is.
function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return json;
  }
}

function wholeUsage(usage: Usage): ReceivedUsage {
  return {
    ...inputUsage(usage),
    cache_creation: { ephemeral_5m_input_tokens: usage.cacheWrittenTokens, ephemeral_1h_input_tokens: 0 },
    ...thinkingUsage(usage),
    service_tier: "standard",
    inference_geo: "not_available",
  };
}

function lastUsage(usage: Usage): ReceivedUsage {
  return { ...inputUsage(usage), output_tokens: usage.outputTokens, ...thinkingUsage(usage) };
}

function inputUsage(usage: Usage): ReceivedUsage {
  return {
    input_tokens: usage.inputTokens - usage.cachedTokens - usage.cacheWrittenTokens,
    cache_creation_input_tokens: usage.cacheWrittenTokens,
    cache_read_input_tokens: usage.cachedTokens,
  };
}

function thinkingUsage({ reasoningTokens }: Usage): ReceivedUsage {
  return reasoningTokens === 0 ? {} : { output_tokens_details: { thinking_tokens: reasoningTokens } };
}
