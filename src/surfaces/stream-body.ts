import type { ServerResponse } from "node:http";
import type { AnyResponse } from "./exchange.ts";

/**
 * The body of a streamed response, one write per piece. Over HTTP/1.1 it puts the chunks' frames around the pieces itself:
 * node:http would write four buffers per piece, which together cost twice as much as one.
 */
export class StreamBody {
  readonly #response: ServerResponse;
  readonly #bufferBytes: number;
  #framesChunks = false;

  /** `bufferBytes`: most that waits for a slow reader before `write` asks to pause (or Node's own mark, where that is higher). */
  constructor(response: AnyResponse, bufferBytes: number) {
    // Both kinds of response take the same arguments; TypeScript cannot call a union of their overloads.
    this.#response = response as ServerResponse;
    this.#bufferBytes = bufferBytes;
  }

  /** Writes the head. A body with trailers behind it is framed by node:http, which puts them there. */
  begin(status: number, headers: Record<string, string>, hasTrailers = false): void {
    const response = this.#response;
    response.writeHead(status, headers);
    // HTTP/1.0 has no chunks, and HTTP/2 has frames of its own.
    if ("stream" in response || !response.chunkedEncoding || hasTrailers) return;
    response.chunkedEncoding = false;
    this.#framesChunks = true;
  }

  /** Writes a piece, which is not empty. Returns false where nothing should follow until the response's `drain`. */
  write(piece: string | Uint8Array): boolean {
    const response = this.#response;
    if (this.#send(piece, "", false)) return true;
    const waitingBytes =
      "stream" in response ? (response.stream as { writableLength: number }).writableLength : response.writableLength;
    return waitingBytes <= this.#bufferBytes;
  }

  /** Ends the body with a last piece, which may be empty. */
  end(piece: string | Uint8Array): void {
    if (piece.length > 0) this.#send(piece, LAST_CHUNK, true);
    else if (this.#framesChunks) this.#response.end(LAST_CHUNK, "latin1");
    else this.#response.end();
  }

  #send(piece: string | Uint8Array, after: string, isLast: boolean): boolean {
    const response = this.#response;
    if (typeof piece !== "string") {
      const bytes = this.#framesChunks ? framed(piece, after) : piece;
      return isLast ? (response.end(bytes), true) : response.write(bytes);
    }
    const lengthBytes = Buffer.byteLength(piece);
    const text = this.#framesChunks ? `${lengthBytes.toString(16)}\r\n${piece}\r\n${after}` : piece;
    // Where every character is a byte, the text is written as it stands.
    const encoding = lengthBytes === piece.length ? "latin1" : "utf8";
    return isLast ? (response.end(text, encoding), true) : response.write(text, encoding);
  }
}

const LAST_CHUNK = "0\r\n\r\n";

function framed(piece: Uint8Array, after: string): Uint8Array {
  const head = `${piece.length.toString(16)}\r\n`;
  const tail = `\r\n${after}`;
  const bytes = Buffer.allocUnsafe(head.length + piece.length + tail.length);
  bytes.write(head, 0, "latin1");
  bytes.set(piece, head.length);
  bytes.write(tail, head.length + piece.length, "latin1");
  return bytes;
}
