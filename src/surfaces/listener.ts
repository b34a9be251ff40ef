import type { AddressInfo, Server, Socket } from "node:net";
import type * as http from "node:http";
import type * as http2 from "node:http2";
import { ParleyError } from "../errors/index.ts";
import { sleepUnless, Signal } from "./signal.ts";
import { Connection, type ConnectionTimes } from "./connection.ts";
import { Cors } from "./cors.ts";
import { createDispatch } from "./dispatch.ts";
import { isHttp2, type AnyRequest, type AnyResponse, type Handler } from "./exchange.ts";
import { Exchanges } from "./exchanges.ts";
import { createFront } from "./front.ts";
import type { ListenOptions } from "./listen-options.ts";
import { createHttp1, createHttp2, DEFAULT_IDLE_MS } from "./servers.ts";

/** A port that is being served. */
export interface Listener {
  /** The bound address. */
  readonly address: string;
  readonly port: number;
  /** True from the beginning of `drain`. */
  readonly draining: boolean;
  /** Open client connections. */
  readonly connections: number;
  /** Requests whose answer has not left yet. */
  readonly runningRequests: number;
  /**
   * Goes out of service without cutting a stream: not ready at once, still accepting for `drain.acceptMs`, then
   * `connection: close` and GOAWAY; running requests finish within `drain.graceMs`, then `onGraceExpired` is called
   * and what is left a little later is cut. Resolves when the port is closed. Calling it again returns the same promise.
   */
  drain(): Promise<void>;
  /** Makes a running drain go straight to the end of its grace. */
  hasten(): void;
  /** Cuts everything. Resolves when the port is closed. */
  close(): Promise<void>;
}

/** Serves a port. Throws `MISCONFIGURED` where it cannot be bound. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const listener = new PortListener(options);
  await listener.bind();
  options.metrics?.read("gauge", "parley_open_connections", "Open client connections.", () => listener.connections);
  options.metrics?.read(
    "gauge",
    "parley_running_requests",
    "Requests whose answer has not left.",
    () => listener.runningRequests,
  );
  return listener;
}

/** Time that requests have for a typed end after the grace, in milliseconds. */
const TYPED_END_MS = 2000;
const DEFAULT_PING_MS = 30_000;
const DEFAULT_FLUSH_MS = 120_000;

class PortListener implements Listener {
  readonly #options: ListenOptions;
  readonly #front: Server;
  readonly #http1: http.Server;
  readonly #http2: http2.Http2Server;
  readonly #exchanges: Exchanges;
  readonly #dispatch: Handler;
  readonly #times: ConnectionTimes;
  /** Every accepted socket; under TLS the outer one. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Map<Socket, Connection>();
  readonly #sessions = new WeakMap<http2.Http2Session, Connection>();
  readonly #hasten = new Signal();
  #closed: Promise<void> | undefined;
  #drained: Promise<void> | undefined;
  #stopped = false;
  // The session is announced while its socket is being handed over: that is how they are matched, since a session shows
  // its socket only through a proxy.
  #handedOver: Connection | undefined;

  constructor(options: ListenOptions) {
    this.#options = options;
    const { timeouts } = options;
    this.#times = {
      firstRequestMs: timeouts.clientHeadersMs,
      idleMs: timeouts.idleMs ?? DEFAULT_IDLE_MS,
      pingMs: timeouts.pingMs ?? DEFAULT_PING_MS,
    };
    this.#exchanges = new Exchanges(options.runtime, timeouts.flushMs ?? DEFAULT_FLUSH_MS);
    this.#dispatch = createDispatch(options, new Cors(options.corsOrigins, () => options.runtime.newId("req")));
    const onRequest = (request: AnyRequest, response: AnyResponse): void => this.#onRequest(request, response);
    this.#http1 = createHttp1(options, onRequest);
    this.#http2 = createHttp2(options, onRequest);
    this.#front = createFront(options, {
      onAccepted: (socket) => this.#onAccepted(socket),
      onProtocol: (socket, protocol) => this.#onProtocol(socket, protocol),
    });
    this.#http2.on("session", (session) => this.#onSession(session));
  }

  get address(): string {
    return (this.#front.address() as AddressInfo | null)?.address ?? this.#options.host;
  }

  get port(): number {
    return (this.#front.address() as AddressInfo | null)?.port ?? this.#options.port;
  }

  get draining(): boolean {
    return this.#drained !== undefined;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get runningRequests(): number {
    return this.#exchanges.count;
  }

  bind(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#front.once("error", (error: NodeJS.ErrnoException) => {
        this.#http1.close();
        reject(cannotBind(host, port, error));
      });
      this.#front.listen({ host, port }, () => {
        this.#front.on("error", (error) => this.#options.log.error("the port failed", { error: error.name }));
        resolve();
      });
    });
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  hasten(): void {
    this.#hasten.fire();
  }

  close(): Promise<void> {
    this.#stopAccepting();
    this.#http1.close();
    for (const socket of this.#sockets) socket.destroy();
    return this.#closed!;
  }

  async #drain(): Promise<void> {
    const { drain, readiness, runtime, log, onGraceExpired } = this.#options;
    readiness.set("draining");
    await sleepUnless(runtime, drain.acceptMs, this.#hasten.fired);
    this.#stopAccepting();
    const done = this.#exchanges.whenNone();
    await sleepUnless(runtime, drain.graceMs, Promise.race([done, this.#hasten.fired]));
    if (this.#exchanges.count > 0) {
      log.warn("the grace is over: running requests end now", { requests: this.#exchanges.count });
      onGraceExpired?.();
      await sleepUnless(runtime, TYPED_END_MS, done);
    }
    // The last answer has left; whoever keeps its connection open does so for nothing.
    await sleepUnless(runtime, TYPED_END_MS, this.#closed!);
    await this.close();
  }

  #stopAccepting(): void {
    if (this.#closed) return;
    this.#stopped = true;
    this.#closed = new Promise((resolve) => this.#front.close(() => resolve()));
    this.#exchanges.announceClose();
    for (const connection of this.#connections.values()) connection.endWhenIdle();
  }

  #onAccepted(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #onProtocol(socket: Socket, protocol: "h1" | "h2"): void {
    const connection = new Connection(socket, this.#options.runtime, this.#times);
    this.#connections.set(socket, connection);
    socket.once("close", () => this.#connections.delete(socket));
    if (protocol === "h1") {
      connection.becomeHttp1();
      this.#http1.emit("connection", socket);
    } else {
      this.#handedOver = connection;
      this.#http2.emit("connection", socket);
      this.#handedOver = undefined;
      if (this.#stopped) connection.endWhenIdle();
    }
  }

  #onSession(session: http2.ServerHttp2Session): void {
    const connection = this.#handedOver;
    if (!connection) {
      session.destroy();
      return;
    }
    this.#sessions.set(session, connection);
    session.on("error", () => undefined);
    connection.becomeHttp2(session);
  }

  #onRequest(request: AnyRequest, response: AnyResponse): void {
    const connection = this.#connectionOf(request);
    if (!connection) {
      response.destroy();
      return;
    }
    this.#exchanges.begin(request, response, connection);
    if (this.#stopped && !isHttp2(request)) response.setHeader("connection", "close");
    this.#dispatch(request, response);
  }

  #connectionOf(request: AnyRequest): Connection | undefined {
    if (!isHttp2(request)) return this.#connections.get(request.socket);
    const { session } = request.stream;
    return session && this.#sessions.get(session);
  }
}

function cannotBind(host: string, port: number, error: NodeJS.ErrnoException): ParleyError {
  const why: Record<string, string> = {
    EADDRINUSE: "the port is in use; stop what uses it or choose another with --port",
    EACCES: "the port needs rights that this process does not have; choose one above 1023 with --port",
    EADDRNOTAVAIL: "this machine has no such address; choose another with --host",
    ENOTFOUND: "the host name is unknown; choose another with --host",
  };
  const text = why[error.code ?? ""] ?? `the system refuses it (${error.code ?? error.name})`;
  return new ParleyError("MISCONFIGURED", `Cannot listen on ${host}:${port}: ${text}`, {
    field: "server.port",
    cause: error,
  });
}
