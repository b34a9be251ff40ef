import type { StreamEvent } from "../../contract/index.ts";
import type { DecodeOptions, DialectTarget } from "../dialect.ts";
import { AnswerReader } from "./answer-reader.ts";
import { guarded, parseAnswer } from "./parse-answer.ts";

/** The events of a whole answer: those of its stream without the deltas. */
export function decodeResponse(body: string, target: DialectTarget, options: DecodeOptions): StreamEvent[] {
  const answer = parseAnswer(body, target, "the body");
  return guarded(target, "the body", () => {
    const reader = new AnswerReader(target, options, true);
    const events: StreamEvent[] = [];
    // In a whole answer the choices hold messages; some vendors add an empty delta.
    const choices = Array.isArray(answer.choices) ? answer.choices : [];
    for (const choice of choices) if (choice.message) choice.delta = choice.message;
    reader.take(answer, events);
    reader.finish(events);
    return events.filter(({ event }) => event.case !== "blockDelta");
  });
}
