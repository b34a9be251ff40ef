import type { StreamEvent } from "../../contract/index.ts";
import type { DecodeOptions, DialectTarget, StreamDecoder } from "../dialect.ts";
import { parseErrorBody } from "../native-error.ts";
import { typedDecodeError } from "../received-json.ts";
import { AnswerReader } from "./answer-reader.ts";
import { errorFromBody } from "./decode-error.ts";
import { parseAnswer } from "./parse-answer.ts";

const WHAT = "an event of the stream";

// The format has no terminator; services that stand before it as a matter of habit send this one.
const HABITUAL_TERMINATOR = "[DONE]";

/** Reads the data of server-sent events, a piece of the answer each, until the stream ends. */
export class GeminiGenerateStreamDecoder implements StreamDecoder {
  readonly #target: DialectTarget;
  readonly #reader: AnswerReader;
  #terminated = false;

  constructor(target: DialectTarget, options: DecodeOptions) {
    this.#target = target;
    this.#reader = new AnswerReader(target, options, false);
  }

  get terminated(): boolean {
    return this.#terminated;
  }

  push(data: string, out: StreamEvent[], eventName?: string): void {
    if (this.#terminated) return;
    // Every event begins with a brace; what does not is padding, a terminator or broken.
    if (data.charCodeAt(0) !== 0x7b) {
      const text = data.trim();
      if (text === "") return;
      if (text === HABITUAL_TERMINATOR) {
        this.#terminated = true;
        return;
      }
    }
    // An event that says it is an error is one, whatever it holds.
    if (eventName === "error") throw errorFromBody(parseErrorBody(data), this.#target);
    const answer = parseAnswer(data, this.#target, WHAT);
    try {
      this.#reader.take(answer, out);
    } catch (thrown) {
      throw typedDecodeError(thrown, this.#target, WHAT);
    }
  }

  end(out: StreamEvent[]): void {
    try {
      this.#reader.finish(out);
    } catch (thrown) {
      throw typedDecodeError(thrown, this.#target, WHAT);
    }
  }
}
