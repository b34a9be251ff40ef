import { Pool, type Dispatcher } from "undici";
import { ParleyError } from "../errors/index.ts";
import type { UpstreamCall, UpstreamClient, UpstreamHandler } from "./upstream.ts";

/** Times and sizes of connections to providers. */
export interface HttpClientOptions {
  /** Time to connect, TLS included, in milliseconds. */
  readonly connectMs: number;
  /** Most connections to one origin. */
  readonly connectionsPerOrigin: number;
  /** Most bytes of an answer's headers. */
  readonly maxHeaderBytes: number;
}

/**
 * Pooled HTTP/1.1 on undici's raw `dispatch`: no fetch, no Web Streams, no redirects, no retries, and no timers but the
 * one for connecting: the request's own watch knows every other deadline.
 */
export function createHttpClient(options: HttpClientOptions): UpstreamClient {
  const pools = new Map<string, Pool>();
  function poolOf(origin: string): Pool {
    let pool = pools.get(origin);
    if (!pool) {
      pool = new Pool(origin, {
        connections: options.connectionsPerOrigin,
        connect: { timeout: options.connectMs },
        headersTimeout: 0,
        bodyTimeout: 0,
        maxHeaderSize: options.maxHeaderBytes,
        pipelining: 1,
        keepAliveTimeout: 10_000,
      });
      pools.set(origin, pool);
    }
    return pool;
  }
  return {
    dispatch(request, handler) {
      const exchange = new Exchange(handler);
      poolOf(request.origin).dispatch(
        { path: request.path, method: request.method, headers: request.headers, body: request.body },
        exchange,
      );
      return exchange;
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

/** One call: translates undici's callbacks, and is silent after its end or its abort. */
class Exchange implements UpstreamCall, Dispatcher.DispatchHandler {
  readonly #handler: UpstreamHandler;
  #controller: Dispatcher.DispatchController | undefined;
  #paused = false;
  #over = false;
  #headersSeen = false;

  constructor(handler: UpstreamHandler) {
    this.#handler = handler;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Aborted while it waited for a connection: it must not go out at all.
    if (this.#over) controller.abort(new Error("aborted"));
    else if (this.#paused) controller.pause();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    if (this.#over || status < 200) return;
    this.#headersSeen = true;
    this.#handler.onHeaders(status, flatten(headers));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#over) this.#handler.onData(chunk);
  }

  onResponseEnd(): void {
    if (this.#over) return;
    this.#over = true;
    this.#handler.onEnd();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#handler.onError(connectionError(error, this.#headersSeen));
  }

  pause(): void {
    if (this.#paused || this.#over) return;
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.#over) this.#controller?.resume();
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#controller?.abort(new Error("aborted"));
  }
}

function flatten(headers: Record<string, unknown>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string") flat[name] = value;
    else if (Array.isArray(value)) flat[name] = value.join(", ");
  }
  return flat;
}

// OpenSSL's codes, and Node's: https://nodejs.org/api/tls.html#x509-certificate-error-codes
const CERTIFICATE_WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  CERT_REVOKED: "its certificate was revoked",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate comes from an authority that is not trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate comes from an authority that is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate comes from an authority that is not trusted",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host",
};

// undici's codes: https://undici.nodejs.org/#/docs/api/Errors
const WORDS: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: "connecting took too long",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  UND_ERR_SOCKET: "the connection was closed",
  ENOTFOUND: "its host name does not resolve",
  EAI_AGAIN: "its host name does not resolve at the moment",
  EPIPE: "the connection was closed",
  ...CERTIFICATE_WORDS,
  UND_ERR_HEADERS_OVERFLOW: "its headers are too large",
};

function connectionError(error: Error, headersSeen: boolean): ParleyError {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const why = WORDS[code] ?? `the connection failed${code ? ` (${code})` : ""}`;
  if (headersSeen) {
    return new ParleyError("STREAM_INTERRUPTED", `Cannot read the provider's answer to its end: ${why}`, {
      cause: error,
    });
  }
  if (code === "UND_ERR_HEADERS_OVERFLOW" || code.startsWith("HPE_")) {
    return new ParleyError("PROVIDER_BAD_OUTPUT", `Cannot read the provider's answer: ${why}`, { cause: error });
  }
  // A certificate is no better a moment later, and where nobody answers a caller has waited long enough.
  const isLasting = code in CERTIFICATE_WORDS || code.startsWith("ERR_SSL_") || code === "UND_ERR_CONNECT_TIMEOUT";
  return new ParleyError("PROVIDER_UNREACHABLE", `Cannot reach the provider: ${why}`, { cause: error, isLasting });
}
