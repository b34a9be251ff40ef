import type { StreamEvent } from "../../contract/index.ts";
import type { DecodeOptions, DialectTarget } from "../dialect.ts";
import { badOutput, receivedObject, typedDecodeError, withoutMark } from "../received-json.ts";
import { AnswerReader } from "./answer-reader.ts";
import { errorFromBody } from "./decode-error.ts";
import { takeWholeBlocks } from "./parse-answer.ts";
import type { ReceivedMessage } from "./wire.ts";

const WHAT = "the body";

/** The events of a whole answer: those of its stream without the deltas. */
export function decodeResponse(body: string, target: DialectTarget, options: DecodeOptions): StreamEvent[] {
  const text = withoutMark(body);
  const message: ReceivedMessage = receivedObject(text, target, WHAT);
  if (message.type === "error" || message.error) throw errorFromBody(message, target);
  const { content } = message;
  if (!Array.isArray(content)) throw badOutput(target, `${WHAT} holds no message`);
  const events: StreamEvent[] = [];
  try {
    const reader = new AnswerReader(target, options, true);
    reader.begin(message, events);
    takeWholeBlocks(reader, content, () => text, events);
    reader.finish(events);
  } catch (thrown) {
    throw typedDecodeError(thrown, target, WHAT);
  }
  return events.filter(({ event }) => event.case !== "blockDelta" && event.case !== "usageUpdated");
}
