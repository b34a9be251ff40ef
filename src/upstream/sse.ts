import { isUtf8 } from "node:buffer";
import { createParser, type EventSourceParser } from "eventsource-parser";
import { ParleyError } from "../errors/index.ts";

/** Splits the bytes of a `text/event-stream` body into events, whatever the chunks. */
export class SseFrames {
  readonly #parser: EventSourceParser;
  readonly #maxEventBytes: number;
  #carry: Buffer | undefined;
  #overflow = false;

  /**
   * `onFrame` gets the data of each event and its name; comments and events without data are dropped. It may throw:
   * `push` and `end` then throw the same.
   */
  constructor(maxEventBytes: number, onFrame: (data: string, eventName: string | undefined) => void) {
    this.#maxEventBytes = maxEventBytes;
    this.#parser = createParser({
      maxBufferSize: maxEventBytes,
      onEvent: (event) => {
        if (event.data.length > maxEventBytes) this.#overflow = true;
        else onFrame(event.data, event.event);
      },
      onError: (error) => {
        if (error.type === "max-buffer-size-exceeded") this.#overflow = true;
      },
    });
  }

  /** Takes the next bytes in. Throws `PROVIDER_BAD_OUTPUT` for an event over the limit and for bytes that are not UTF-8. */
  push(chunk: Buffer): void {
    this.#feed(this.#decode(chunk));
  }

  /** The body ended cleanly: an event that lacks only its blank line still counts, as some servers omit it. */
  end(): void {
    if (this.#carry) throw notUtf8();
    this.#feed("\n\n");
  }

  #feed(text: string): void {
    if (text !== "") this.#parser.feed(text);
    if (this.#overflow) {
      throw new ParleyError(
        "PROVIDER_BAD_OUTPUT",
        `Cannot read the provider's stream: an event is larger than ${this.#maxEventBytes} bytes`,
      );
    }
  }

  // A chunk may end within a character; those at most three bytes wait for the next one.
  #decode(chunk: Buffer): string {
    const bytes = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk;
    this.#carry = undefined;
    if (isUtf8(bytes)) return bytes.toString("utf8");
    const end = bytes.length - incompleteTail(bytes);
    const whole = bytes.subarray(0, end);
    if (!isUtf8(whole)) throw notUtf8();
    this.#carry = Buffer.from(bytes.subarray(end));
    return whole.toString("utf8");
  }
}

function notUtf8(): ParleyError {
  return new ParleyError("PROVIDER_BAD_OUTPUT", "Cannot read the provider's stream: its bytes are not UTF-8");
}

/** How many bytes at the end begin a UTF-8 sequence that is not whole; 0 where none does. */
function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
