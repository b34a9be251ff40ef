import type { ServerResponse } from "node:http";
import type { GatewayError } from "../../contract/index.ts";
import type { ParleyError } from "../../errors/index.ts";
import type { AnyResponse } from "../exchange.ts";
import { errorBody, errorHeaders, errorStatus, ownError } from "./errors.ts";
import type { ResponseHeaders } from "./headers.ts";

/** A response to be written, and what every way of writing it needs. */
export interface Reply {
  readonly response: AnyResponse;
  readonly requestId: string;
  /** Headers that every response carries. */
  readonly headers: ResponseHeaders;
}

/** Begins a response. */
export function writeHead(response: AnyResponse, status: number, headers: ResponseHeaders): void {
  // Both kinds of response take the same arguments; TypeScript cannot call a union of their overloads.
  (response as ServerResponse).writeHead(status, headers);
}

/** Answers with JSON, in one write. Does nothing once headers are sent; where the client has left, nobody gets it. */
export function sendJson(reply: Reply, status: number, body: unknown, headers: ResponseHeaders = {}): void {
  const { response } = reply;
  if (response.headersSent) return;
  // As a text: Node joins it with the headers into one buffer, where bytes would make it a gathering write.
  const text = JSON.stringify(body);
  const lengthBytes = Buffer.byteLength(text);
  // Names and values in turn: what is not put into an object is not taken out of one. No name is in both.
  const list = ["content-type", "application/json", "content-length", String(lengthBytes)];
  for (const name in reply.headers) list.push(name, reply.headers[name]!);
  for (const name in headers) list.push(name, headers[name]!);
  (response as ServerResponse).writeHead(status, list);
  // Where every character is a byte, the text is written as it stands.
  (response as ServerResponse).end(text, lengthBytes === text.length ? "latin1" : "utf8"); // of an answer to HEAD, Node sends the headers alone
}

/** Answers with an error of the pipeline, whose field is one of the contract. */
export function sendPipelineError(reply: Reply, error: GatewayError): void {
  sendJson(reply, errorStatus(error), errorBody(error), errorHeaders(error));
}

/** Answers with an error of this surface, whose field is one of its own. `status` replaces the catalogue's. */
export function sendOwnError(
  reply: Reply,
  error: ParleyError,
  errorId: string,
  headers: ResponseHeaders = {},
  status = error.row.httpStatus,
): void {
  const own = ownError(error, { requestId: reply.requestId, errorId });
  sendJson(reply, status, errorBody(own, own.field), { ...errorHeaders(own), ...headers });
}
