import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { Http2Pool } from "./http2-pool.ts";
import type { ParleyOptions } from "./options.ts";

/** What a client trusts and shows under TLS, each as PEM text. */
export interface TlsOptions {
  /** Certificates to trust in place of the system's. */
  readonly ca?: string;
  /** The client's own certificate, where the gateway asks for one. */
  readonly cert?: string;
  /** Private key of `cert`. */
  readonly key?: string;
}

/** How to reach a gateway from Node. */
export interface NodeParleyOptions extends ParleyOptions {
  /** `2` shares one connection; `1.1` goes through proxies that know no HTTP/2, but not with gRPC. Unset: `2`. */
  readonly httpVersion?: "1.1" | "2" | undefined;
  /** TLS beyond the system's own trust. Unset: the system's. */
  readonly tls?: TlsOptions | undefined;
}

// Far above any answer, images included; a larger one is a broken peer.
const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;

// A gateway that vanished without closing is noticed within the sum of these two.
const PING_INTERVAL_MS = 30_000;
const PING_TIMEOUT_MS = 5_000;

/** A transport over Node's HTTP client. Throws `TypeError` for gRPC over HTTP/1.1, which has no place for trailers. */
export function nodeTransport(options: NodeParleyOptions): Transport {
  const { baseUrl, protocol = "connect", httpVersion = "2", tls } = options;
  const common = { baseUrl, useBinaryFormat: true, readMaxBytes: MAX_MESSAGE_BYTES };
  if (httpVersion === "1.1") {
    if (protocol === "grpc") {
      throw new TypeError(
        "Cannot create a client: protocol grpc needs httpVersion 2, use connect or grpc-web over 1.1",
      );
    }
    const http1 = { ...common, httpVersion, ...(tls ? { nodeOptions: tls } : {}) };
    return protocol === "connect" ? createConnectTransport(http1) : createGrpcWebTransport(http1);
  }
  const pings = { pingIntervalMs: PING_INTERVAL_MS, pingTimeoutMs: PING_TIMEOUT_MS };
  const http2 = { ...common, sessionManager: new Http2Pool(baseUrl, pings, tls) };
  if (protocol === "grpc") return createGrpcTransport(http2);
  const versioned = { ...http2, httpVersion };
  return protocol === "connect" ? createConnectTransport(versioned) : createGrpcWebTransport(versioned);
}
