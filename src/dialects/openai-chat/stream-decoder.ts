import type { StreamEvent } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { DecodeOptions, DialectTarget, StreamDecoder } from "../dialect.ts";
import { AnswerReader } from "./answer-reader.ts";
import { errorFromBody } from "./decode-error.ts";
import { parseAnswer } from "./parse-answer.ts";

const TERMINATOR = "[DONE]";
const WHAT = "an event of the stream";

/** Reads the data of server-sent events, one chunk each, until `[DONE]`. */
export class OpenAiChatStreamDecoder implements StreamDecoder {
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
    // Every chunk begins with a brace; what does not is the terminator, padding or broken.
    if (data.charCodeAt(0) !== 0x7b) {
      const text = data.trim();
      if (text === "") return;
      if (text === TERMINATOR) {
        this.#terminated = true;
        return;
      }
    }
    if (eventName === "error") throw errorFromBody(parseLeniently(data), this.#target);
    const chunk = parseAnswer(data, this.#target, WHAT);
    try {
      this.#reader.take(chunk, out);
    } catch (thrown) {
      throw this.#typed(thrown);
    }
  }

  end(out: StreamEvent[]): void {
    try {
      this.#reader.finish(out);
    } catch (thrown) {
      throw this.#typed(thrown);
    }
  }

  // As `guarded`, without its closure: this is the hot path.
  #typed(thrown: unknown): ParleyError {
    if (thrown instanceof ParleyError) return thrown;
    const { provider, model } = this.#target;
    const message = `Cannot read the answer of ${provider}/${model}: ${WHAT} has a member of an unexpected type`;
    return new ParleyError("PROVIDER_BAD_OUTPUT", message, { cause: thrown });
  }
}

// An event that says it is an error is one, whatever it holds.
function parseLeniently(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return undefined;
  }
}
