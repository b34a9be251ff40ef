import type { StreamEvent } from "../../contract/index.ts";
import type { DecodeOptions, DialectTarget } from "../dialect.ts";
import { AnswerReader } from "./answer-reader.ts";
import { guarded, parseAnswer } from "./parse-answer.ts";
import { OpenAiChatStreamDecoder } from "./stream-decoder.ts";

/** The events of a whole answer: those of its stream without the deltas. */
export function decodeResponse(body: string, target: DialectTarget, options: DecodeOptions): StreamEvent[] {
  if (isStream(body)) return decodeStream(body, target, options);
  const answer = parseAnswer(body, target, "the body");
  return guarded(target, "the body", () => {
    const reader = new AnswerReader(target, options, true);
    const events: StreamEvent[] = [];
    // In a whole answer the choices hold messages; some vendors add an empty delta.
    const choices = Array.isArray(answer.choices) ? answer.choices : [];
    for (const choice of choices) if (choice.message) choice.delta = choice.message;
    reader.take(answer, events);
    reader.finish(events);
    return withoutDeltas(events);
  });
}

const OPENING_BRACE = 0x7b;

// Where a model answers in streams only, the body of a whole answer is one.
function isStream(body: string): boolean {
  return body.charCodeAt(0) !== OPENING_BRACE && /^\s*(?:data|event|id|retry|):/.test(body);
}

function decodeStream(body: string, target: DialectTarget, options: DecodeOptions): StreamEvent[] {
  const events: StreamEvent[] = [];
  const decoder = new OpenAiChatStreamDecoder(target, options);
  for (const block of body.split(/(?:\r\n|\r|\n){2,}/)) {
    const lines = block.split(/\r\n|\r|\n/);
    const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).replace(/^ /, ""));
    const name = lines
      .findLast((line) => line.startsWith("event:"))
      ?.slice(6)
      .trim();
    if (data.length > 0) decoder.push(data.join("\n"), events, name);
  }
  decoder.end(events);
  return withoutDeltas(events);
}

function withoutDeltas(events: readonly StreamEvent[]): StreamEvent[] {
  return events.filter(isOfWhole);
}

function isOfWhole({ event }: StreamEvent): boolean {
  return event.case !== "blockDelta" && event.case !== "usageUpdated";
}
