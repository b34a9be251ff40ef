import type { StreamEvent } from "../../contract/index.ts";
import type { DecodeOptions, DialectTarget, StreamDecoder } from "../dialect.ts";
import { objectMembers } from "../json-text.ts";
import { parseErrorBody } from "../native-error.ts";
import { badOutput, receivedObject, typedDecodeError } from "../received-json.ts";
import { AnswerReader } from "./answer-reader.ts";
import { errorFromBody } from "./decode-error.ts";
import { takeWholeBlocks } from "./parse-answer.ts";
import { checkEvent } from "./unknown-members.ts";
import type { ReceivedEvent } from "./wire.ts";

// Not of this format, but some servers end every stream with it.
const FOREIGN_TERMINATOR = "[DONE]";
const WHAT = "an event of the stream";

/** Reads the data of server-sent events, one event each, until `message_stop`. */
export class AnthropicMessagesStreamDecoder implements StreamDecoder {
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
    if (data.charCodeAt(0) !== 0x7b) {
      const text = data.trim();
      if (text === "") return;
      if (text === FOREIGN_TERMINATOR) {
        this.#terminated = true;
        return;
      }
    }
    // An event that says it is an error is one, whatever it holds.
    if (eventName === "error") throw errorFromBody(parseErrorBody(data), this.#target);
    const event: ReceivedEvent = receivedObject(data, this.#target, WHAT);
    try {
      this.#take(event, data, eventName, out);
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

  #take(event: ReceivedEvent, data: string, eventName: string | undefined, out: StreamEvent[]): void {
    const type = typeof event.type === "string" ? event.type : (eventName ?? "");
    const { index, delta, content_block: block } = event;
    switch (type) {
      case "content_block_delta":
        if (!delta) throw badOutput(this.#target, `${WHAT} has no delta`);
        this.#reader.takeDelta(this.#place(index), delta, () => memberText(data, "delta"), out);
        return;
      case "content_block_start":
        if (!block) throw badOutput(this.#target, `${WHAT} has no block`);
        this.#reader.beginBlock(this.#place(index), { block, json: () => memberText(data, "content_block") }, out);
        break;
      case "content_block_stop":
        this.#reader.endBlock(this.#place(index), out);
        break;
      case "message_start":
        this.#takeStart(event, data, out);
        break;
      case "message_delta":
        this.#reader.takeMessageDelta(event, out);
        break;
      case "message_stop":
        this.#terminated = true;
        break;
      case "error":
        throw errorFromBody(event, this.#target);
      default:
        if (event.error) throw errorFromBody(event, this.#target);
    }
    checkEvent(type, event, this.#reader.drift);
  }

  #takeStart({ message }: ReceivedEvent, data: string, out: StreamEvent[]): void {
    if (!message) throw badOutput(this.#target, `${WHAT} has no message`);
    this.#reader.begin(message, out);
    // A message that goes on with code that the provider runs begins with the calls that the code has made.
    if (Array.isArray(message.content)) {
      takeWholeBlocks(this.#reader, message.content, () => memberText(data, "message"), out);
    }
  }

  #place(index: unknown): number {
    if (typeof index === "number" && Number.isInteger(index) && index >= 0) return index;
    throw badOutput(this.#target, `${WHAT} does not say which block it is about`);
  }
}

function memberText(data: string, member: string): string {
  return objectMembers(data)?.get(member)?.text ?? "";
}
