import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { ClientCertificate, Credentials } from "../policy/identity/credentials.ts";

/** A request of either HTTP version. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;

/** A response of either HTTP version. */
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** Answers one request. Never throws; what it starts ends with the response. */
export type Handler = (request: AnyRequest, response: AnyResponse) => void;

/** The path of a request without its query; empty where there is none, as with CONNECT or `*`. */
export function pathOf(request: AnyRequest): string {
  const url = request.url ?? "";
  if (!url.startsWith("/")) return "";
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}

/** The key in an authorization header, `Bearer KEY`; undefined where there is none or another scheme. */
export function bearerIn(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== "bearer ") return undefined;
  return authorization.slice(7).trim();
}

/**
 * The key that a request brings. Of several authorization headers each part on the way may believe another one: together
 * they are no key.
 */
function credentialOf({ rawHeaders }: AnyRequest): string | undefined {
  const sent: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION) sent.push(rawHeaders[at + 1]!);
  }
  return sent.length > 1 ? sent.join(", ") : bearerIn(sent[0]);
}

/** What a request shows of who sends it. */
export function credentialsOf(request: AnyRequest): Credentials {
  return { key: credentialOf(request), origin: request.headers.origin, certificate: () => certificateOf(request) };
}

/** The client's certificate, where the connection has proven one by an authority that it must come from. */
function certificateOf(request: AnyRequest): ClientCertificate | undefined {
  const socket = (isHttp2(request) ? request.stream.session?.socket : request.socket) as Partial<TLSSocket> | undefined;
  if (socket?.authorized !== true || !socket.getPeerCertificate) return undefined;
  const { subject, subjectaltname = "", fingerprint256 } = socket.getPeerCertificate();
  // No certificate is an empty object.
  if (typeof fingerprint256 !== "string") return undefined;
  const commonName: unknown = subject?.CN;
  return {
    // Of several common names none counts: their order would decide.
    commonName: typeof commonName === "string" ? commonName : undefined,
    alternativeNames: namesIn(subjectaltname),
    sha256: fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

// Names with commas or quotes are written in quotes, so that none can pass for two (CVE-2021-44532): those are left out.
function namesIn(text: string): string[] {
  return text.includes('"') ? [] : text.split(", ").filter((name) => name !== "");
}

const AUTHORIZATION = "authorization";

/** Whether the request came over HTTP/2. */
export function isHttp2(request: AnyRequest): request is Http2ServerRequest {
  return "stream" in request;
}

/** Ends an answer as cut, so that no client takes it for whole: HTTP/1.1 loses its connection, HTTP/2 resets the stream. */
export function cut(response: AnyResponse): void {
  if ("stream" in response) response.stream.close(constants.NGHTTP2_CANCEL);
  else response.destroy();
}
