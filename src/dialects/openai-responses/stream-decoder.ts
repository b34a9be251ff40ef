import type { StreamEvent } from "../../contract/index.ts";
import type { DecodeOptions, DialectTarget, StreamDecoder } from "../dialect.ts";
import { parseErrorBody } from "../native-error.ts";
import { badOutput, receivedObject, typedDecodeError, withoutMark } from "../received-json.ts";
import { AnswerReader } from "./answer-reader.ts";
import { errorFromBody, errorInEvent } from "./decode-error.ts";
import type { ResponseEvent } from "./wire.ts";

// Not of this format, but servers that also speak the other one send it.
const TERMINATOR = "[DONE]";
const WHAT = "an event of the stream";

/** Reads the data of server-sent events until the one that carries the whole answer. */
export class OpenAiResponsesStreamDecoder implements StreamDecoder {
  readonly #target: DialectTarget;
  readonly #reader: AnswerReader;
  #terminated = false;

  constructor(target: DialectTarget, options: DecodeOptions) {
    this.#target = target;
    this.#reader = new AnswerReader(target, options);
  }

  get terminated(): boolean {
    return this.#terminated;
  }

  push(data: string, out: StreamEvent[], eventName?: string): void {
    if (this.#terminated) return;
    // Every event begins with a brace; what does not is the terminator, padding or broken.
    if (data.charCodeAt(0) !== 0x7b) {
      const text = data.trim();
      if (text === "") return;
      if (text === TERMINATOR) {
        this.#terminated = true;
        return;
      }
    }
    // An event that says it is an error is one, whatever it holds.
    if (eventName === "error") throw errorFromBody(parseErrorBody(data), this.#target);
    const text = withoutMark(data);
    const event = receivedObject(text, this.#target, WHAT) as ResponseEvent;
    const error = errorInEvent(event, this.#target);
    if (error) throw error;
    const type = event.type ?? eventName;
    if (typeof type !== "string" || type === "") throw badOutput(this.#target, `${WHAT} has no type`);
    try {
      this.#reader.take(type, event, text, out);
    } catch (thrown) {
      throw typedDecodeError(thrown, this.#target, WHAT);
    }
    this.#terminated = this.#reader.ended;
  }

  end(out: StreamEvent[]): void {
    try {
      this.#reader.finish(out);
    } catch (thrown) {
      throw typedDecodeError(thrown, this.#target, WHAT);
    }
  }
}
