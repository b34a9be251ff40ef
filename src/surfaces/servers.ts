import * as http from "node:http";
import * as http2 from "node:http2";
import type { Socket } from "node:net";
import { ParleyError } from "../errors/index.ts";
import type { AnyRequest, AnyResponse } from "./exchange.ts";
import { isAnsweredEarly } from "./exchanges.ts";
import type { ListenOptions } from "./listen-options.ts";
import { plainErrorHeaders, plainErrorText, sendPlainError, type ErrorIds } from "./plain-error.ts";

const MAX_HEADERS = 128;

/** An HTTP/1.1 server that gets its sockets from `emit("connection")`, every limit explicit. */
export function createHttp1(
  options: ListenOptions,
  handle: (request: AnyRequest, response: AnyResponse) => void,
): http.Server {
  const { limits, timeouts } = options;
  const { clientHeadersMs, clientBodyMs } = timeouts;
  const server = http.createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: clientHeadersMs,
      // The reader of the body is the first to give up, with a typed answer; this one is behind it.
      requestTimeout: clientHeadersMs + clientBodyMs,
      connectionsCheckingInterval: Math.max(10, Math.min(1000, Math.ceil(clientHeadersMs / 4))),
      keepAliveTimeout: timeouts.idleMs ?? DEFAULT_IDLE_MS,
      insecureHTTPParser: false,
      noDelay: true,
      requireHostHeader: false, // the server's own refusal is an empty 400
    },
    (request, response) => {
      if (request.headers.host === undefined && request.httpVersion === "1.1") {
        refuse(options, request, response, "it has no host header", 400);
      } else handle(request, response);
    },
  );
  server.maxHeadersCount = MAX_HEADERS;
  server.on("clientError", (error, socket) => answerBadHttp(options, error, socket as Socket));
  // What the server would answer without a word, or not at all.
  server.on("checkExpectation", (request: http.IncomingMessage, response: http.ServerResponse) => {
    refuse(options, request, response, "it expects something other than 100-continue", 417);
  });
  server.on("connect", (_request: http.IncomingMessage, socket: Socket) => {
    answerBadHttp(options, Object.assign(new Error("CONNECT"), { code: "CONNECT" }), socket);
  });
  // A server that never listens by itself enforces no timeouts until it is told that it does.
  server.emit("listening");
  return server;
}

/** Idle time of a connection where none is configured, in milliseconds. */
export const DEFAULT_IDLE_MS = 65_000;

/** An HTTP/2 server that gets its sockets from `emit("connection")`, every limit explicit. */
export function createHttp2(
  options: ListenOptions,
  handle: (request: AnyRequest, response: AnyResponse) => void,
): http2.Http2Server {
  const { limits } = options;
  const server = http2.createServer(
    {
      maxHeaderListPairs: MAX_HEADERS,
      maxSendHeaderBlockLength: 64 * 1024,
      maxSessionMemory: 64, // megabytes: answers that wait for their reader count, and beyond it new requests are reset
      maxSessionInvalidFrames: 100,
      maxSessionRejectedStreams: 100,
      maxOutstandingPings: 4,
      maxSettings: 16,
      // A client that opens and resets streams in a hurry is cut: rapid reset, CVE-2023-44487.
      streamResetBurst: Math.max(200, 2 * limits.streamsPerConnection),
      streamResetRate: 33,
      settings: {
        enablePush: false,
        maxConcurrentStreams: limits.streamsPerConnection,
        maxHeaderListSize: limits.headerBytes,
        initialWindowSize: 256 * 1024,
      },
    },
    handle,
  );
  server.on("sessionError", (error) => options.log.debug("an HTTP/2 connection failed", { error: error.name }));
  return server;
}

const BAD_HTTP: Readonly<Record<string, { status: number; text: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, text: "its headers are larger than the limit" },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, text: "its chunk extensions are larger than the limit" },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, text: "it did not arrive in time" },
  CONNECT: { status: 405, text: "its method is CONNECT, and this is no proxy" },
};

function badHttp(what: string): ParleyError {
  return new ParleyError("INVALID_REQUEST", `Cannot read the request: ${what}`);
}

function newIds({ runtime }: ListenOptions): ErrorIds {
  return { requestId: runtime.newId("req"), errorId: runtime.newId("err") };
}

function refuse(
  options: ListenOptions,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  what: string,
  status: number,
): void {
  response.on("error", () => undefined);
  response.setHeader("connection", "close");
  sendPlainError(response, badHttp(what), newIds(options), status);
  request.resume();
}

function answerBadHttp(options: ListenOptions, thrown: Error & { code?: string }, socket: Socket): void {
  // The parser has let go of the socket: nobody else listens for its errors.
  socket.on("error", () => socket.destroy());
  const answerUnderWay = (socket as Socket & { _httpMessage?: http.ServerResponse })._httpMessage?.headersSent;
  if (thrown.code === "ECONNRESET" || !socket.writable || answerUnderWay || isAnsweredEarly(socket)) {
    socket.destroy();
    return;
  }
  const { status, text } = BAD_HTTP[thrown.code ?? ""] ?? { status: 400, text: "it is not HTTP/1.1" };
  const error = badHttp(text);
  const ids = newIds(options);
  const body = plainErrorText(error, ids);
  const headers = {
    ...plainErrorHeaders(error, ids.requestId),
    connection: "close",
    "content-length": Buffer.byteLength(body),
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n${head.join("")}\r\n${body}`);
  // Unread bytes at close would turn into a reset that takes the answer away from the client.
  socket.resume();
  const timer = options.runtime.setTimer(LINGER_MS, () => socket.destroy());
  socket.once("close", () => timer.cancel());
}

const LINGER_MS = 1000;
