import { ParleyError } from "../errors/index.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Connection, Exchange } from "./connection.ts";
import { OriginPool } from "./origin-pool.ts";
import { requestText, type RequestText } from "./request-text.ts";
import type { ResponseHead } from "./response-head.ts";
import { MalformedResponse } from "./response-parser.ts";
import type { UpstreamCall, UpstreamClient, UpstreamHandler } from "./upstream.ts";

/** Times and sizes of connections to providers. */
export interface HttpClientOptions {
  /** Time to connect, TLS included, in milliseconds. */
  readonly connectMs: number;
  /** Most connections to one origin. */
  readonly connectionsPerOrigin: number;
  /** Most bytes of an answer's headers. */
  readonly maxHeaderBytes: number;
  readonly runtime: Runtime;
}

/**
 * Pooled HTTP/1.1 on plain sockets: one write per request, one call per read of the answer, no redirects, no retries, no
 * pipelining, and no timers but the ones for connecting and for idle connections: the request's own watch knows every
 * other deadline.
 */
export function createHttpClient(options: HttpClientOptions): UpstreamClient {
  const pools = new Map<string, OriginPool>();
  let closed = false;
  function poolOf(origin: string): OriginPool {
    let pool = pools.get(origin);
    if (!pool) {
      pool = new OriginPool(endpointOf(origin, options), options.connectionsPerOrigin);
      pools.set(origin, pool);
    }
    return pool;
  }
  return {
    dispatch(request, handler) {
      const text = requestText(request);
      if (closed || typeof text === "string") return unsent(handler, closed ? WORDS["CLOSED"]! : (text as string));
      const pool = poolOf(request.origin);
      const call = new Call(pool, text, handler);
      pool.add(call);
      return call;
    },
    close() {
      closed = true;
      for (const pool of pools.values()) pool.close();
      pools.clear();
      return Promise.resolve();
    },
  };
}

function endpointOf(origin: string, { connectMs, maxHeaderBytes, runtime }: HttpClientOptions) {
  const { protocol, hostname, port } = new URL(origin);
  const secure = protocol === "https:";
  return {
    host: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
    port: port === "" ? (secure ? 443 : 80) : Number(port),
    secure,
    connectMs,
    maxHeadBytes: maxHeaderBytes,
    runtime,
    tlsSession: undefined,
  };
}

/** One call: tells its handler what comes, and is silent after its end or its abort. */
class Call implements UpstreamCall, Exchange {
  readonly requestText: string;
  readonly requestEncoding: "latin1" | "utf8";
  readonly #pool: OriginPool;
  readonly #handler: UpstreamHandler;
  #connection: Connection | undefined;
  #paused = false;
  #over = false;
  #headSeen = false;

  constructor(pool: OriginPool, { text, encoding }: RequestText, handler: UpstreamHandler) {
    this.requestText = text;
    this.requestEncoding = encoding;
    this.#pool = pool;
    this.#handler = handler;
  }

  get paused(): boolean {
    return this.#paused;
  }

  onAssigned(connection: Connection): void {
    this.#connection = connection;
    this.#handler.onSent?.();
  }

  onHead({ status, headers }: ResponseHead): void {
    this.#headSeen = true;
    if (!this.#over) this.#handler.onHeaders(status, headers);
  }

  onBody(bytes: Buffer): void {
    if (!this.#over) this.#handler.onData(bytes);
  }

  onEnd(): void {
    if (this.#over) return;
    this.#over = true;
    this.#handler.onEnd();
  }

  onError(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#handler.onError(connectionError(error, this.#headSeen));
  }

  pause(): void {
    if (this.#paused || this.#over) return;
    this.#paused = true;
    this.#connection?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.#over) this.#connection?.resume();
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#connection) this.#connection.destroy();
    else this.#pool.remove(this);
  }
}

/** A call that cannot go out. */
function unsent(handler: UpstreamHandler, why: string): UpstreamCall {
  let over = false;
  queueMicrotask(() => {
    if (!over) handler.onError(new ParleyError("PROVIDER_UNREACHABLE", `Cannot reach the provider: ${why}`));
  });
  return { pause: () => undefined, resume: () => undefined, abort: () => (over = true) };
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

const WORDS: Readonly<Record<string, string>> = {
  CONNECT_TIMEOUT: "connecting took too long",
  CLOSED: "the connection was closed",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  ENOTFOUND: "its host name does not resolve",
  EAI_AGAIN: "its host name does not resolve at the moment",
  EPIPE: "the connection was closed",
  ...CERTIFICATE_WORDS,
};

function connectionError(error: Error, headSeen: boolean): ParleyError {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const malformed = error instanceof MalformedResponse;
  const why = malformed ? error.message : (WORDS[code] ?? `the connection failed${code ? ` (${code})` : ""}`);
  if (headSeen) {
    return new ParleyError("STREAM_INTERRUPTED", `Cannot read the provider's answer to its end: ${why}`, {
      cause: error,
    });
  }
  if (malformed) {
    return new ParleyError("PROVIDER_BAD_OUTPUT", `Cannot read the provider's answer: ${why}`, { cause: error });
  }
  // A certificate is no better a moment later, and where nobody answers a caller has waited long enough.
  const isLasting = code in CERTIFICATE_WORDS || code.startsWith("ERR_SSL_") || code === "CONNECT_TIMEOUT";
  return new ParleyError("PROVIDER_UNREACHABLE", `Cannot reach the provider: ${why}`, { cause: error, isLasting });
}
