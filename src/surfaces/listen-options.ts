import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { AnyRequest, AnyResponse, Handler } from "./exchange.ts";
import type { Readiness } from "./readiness.ts";

/** Limits of the listener. */
export interface ListenLimits {
  /** Bytes of a request's headers. */
  readonly headerBytes: number;
  readonly connections: number;
  /** Concurrent requests of one HTTP/2 connection. */
  readonly streamsPerConnection: number;
}

/** Times of the listener, in milliseconds. */
export interface ListenTimeouts {
  /** Until a client has sent its request's headers, and then its body. */
  readonly clientHeadersMs: number;
  readonly clientBodyMs: number;
  /** How long a connection without a request stays open. Unset: 65 s, longer than the usual load balancer's 60 s. */
  readonly idleMs?: number;
  /** Between HTTP/2 PINGs. Unset: 30 s. */
  readonly pingMs?: number;
  /** How long a client may take over the rest of an answer that has ended. Unset: 120 s. */
  readonly flushMs?: number;
}

/** Who answers. */
export interface Handlers {
  /** Paths under `/v1/`. */
  readonly openai: Handler;
  /** Paths under `/parley.` and `/grpc.`. */
  readonly connect: Handler;
  /** Everything else; false where it knows no such path. */
  readonly ops: (request: AnyRequest, response: AnyResponse) => boolean;
}

/** What a listener needs. */
export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string } | undefined;
  readonly limits: ListenLimits;
  readonly timeouts: ListenTimeouts;
  readonly drain: { readonly acceptMs: number; readonly graceMs: number };
  readonly runtime: Runtime;
  readonly log: Log;
  readonly metrics?: Metrics;
  readonly corsOrigins: readonly string[];
  readonly readiness: Readiness;
  readonly handlers: Handlers;
  /** Called when the grace is over and requests still run: end them typed, soon. */
  readonly onGraceExpired?: () => void;
}
