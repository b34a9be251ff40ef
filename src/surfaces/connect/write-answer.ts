import { universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { AnyResponse } from "../exchange.ts";

// Beyond this the copy into a string costs more than the second buffer of a write.
const MAX_JOINED_BYTES = 64 * 1024;

/**
 * Writes an answer as the stock handlers framed it. Resolves or rejects some time after the answer ended, or never: only
 * the response's `close` tells when it is over.
 */
export async function writeAnswer(answer: UniversalServerResponse, response: AnyResponse): Promise<void> {
  const body = answer.trailer ? undefined : await wholeBody(answer);
  if (!body) {
    await universalResponseToNodeResponse(answer, response);
    return;
  }
  response.statusCode = answer.status;
  answer.header?.forEach((value, name) => response.setHeader(name, value));
  // node:http joins its headers with a string into one buffer; a Buffer would make it a gathering write, which costs
  // three times as much for an answer of usual size.
  if ("stream" in response || body.length > MAX_JOINED_BYTES) response.end(body);
  else response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1"), "latin1");
}

/** The body of an answer that declares its length, which is whole and in one piece; undefined: it is a stream. */
async function wholeBody(answer: UniversalServerResponse): Promise<Uint8Array | undefined> {
  if (!answer.header?.has("content-length") || !answer.body) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of answer.body) pieces.push(piece);
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
}
