import type { StreamEvent } from "../../contract/index.ts";
import type { DecodeOptions, DialectTarget } from "../dialect.ts";
import { typedDecodeError } from "../received-json.ts";
import { AnswerReader } from "./answer-reader.ts";
import { parseAnswer } from "./parse-answer.ts";

/** The events of a whole answer: those of its stream without the deltas. */
export function decodeResponse(body: string, target: DialectTarget, options: DecodeOptions): StreamEvent[] {
  const answer = parseAnswer(body, target, "the body");
  try {
    const reader = new AnswerReader(target, options, true);
    const events: StreamEvent[] = [];
    reader.take(answer, events);
    reader.finish(events);
    return events.filter(({ event }) => event.case !== "blockDelta" && event.case !== "usageUpdated");
  } catch (thrown) {
    throw typedDecodeError(thrown, target, "the body");
  }
}
