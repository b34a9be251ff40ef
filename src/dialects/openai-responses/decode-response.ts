import type { StreamEvent } from "../../contract/index.ts";
import type { DecodeOptions, DialectTarget } from "../dialect.ts";
import { receivedObject, typedDecodeError, withoutMark } from "../received-json.ts";
import { AnswerReader } from "./answer-reader.ts";
import type { ResponseObject } from "./wire.ts";

/** The events of a whole answer: those of its stream without the deltas. */
export function decodeResponse(body: string, target: DialectTarget, options: DecodeOptions): StreamEvent[] {
  const text = withoutMark(body);
  const answer = receivedObject(text, target, "the body") as ResponseObject;
  try {
    const reader = new AnswerReader(target, options);
    const events: StreamEvent[] = [];
    reader.takeWhole(answer, text, events);
    reader.finish(events);
    return events.filter(({ event }) => event.case !== "blockDelta" && event.case !== "usageUpdated");
  } catch (thrown) {
    throw typedDecodeError(thrown, target, "the body");
  }
}
