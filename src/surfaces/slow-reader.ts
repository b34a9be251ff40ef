import type { ServerResponse } from "node:http";
import type { AnyResponse } from "./exchange.ts";

/**
 * Writes a piece of a stream. Returns false where the caller reads so slowly that more than `bufferBytes` wait for it
 * (or Node's own mark, where that is higher): then nothing should follow until the response's `drain`.
 */
export function writePiece(response: AnyResponse, piece: string | Uint8Array, bufferBytes: number): boolean {
  // Both kinds of response take the same arguments; TypeScript cannot call a union of their overloads.
  if ((response as ServerResponse).write(piece)) return true;
  const waitingBytes = "stream" in response ? response.stream.writableLength : response.writableLength;
  return waitingBytes <= bufferBytes;
}
