import * as net from "node:net";
import * as tls from "node:tls";
import type { Runtime } from "../runtime/runtime.ts";
import { ResponseParser } from "./response-parser.ts";
import type { ResponseHead } from "./response-head.ts";

/** Where connections go, and how long one may take to be there. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly connectMs: number;
  readonly maxHeadBytes: number;
  readonly runtime: Runtime;
  /** TLS session of an earlier connection, which spares the next one a part of the handshake. */
  tlsSession: Buffer | undefined;
}

/** The call that a connection works on. Exactly one of `onEnd` and `onError` comes last. */
export interface Exchange {
  readonly requestText: string;
  readonly requestEncoding: "latin1" | "utf8";
  /** Whether what comes is not to be read for now. */
  readonly paused: boolean;
  /** It goes out, over this connection. */
  onAssigned(connection: Connection): void;
  onHead(head: ResponseHead): void;
  onBody(bytes: Buffer): void;
  onEnd(): void;
  onError(error: Error): void;
}

/** What becomes of a connection. */
export interface ConnectionOwner {
  /** It is connected, or its response is whole, and it can take an exchange. */
  onFree(connection: Connection): void;
  /** It is gone. `error`: it never came to be. */
  onGone(connection: Connection, error: Error | undefined): void;
}

/** What a connection fails with whose end is no error of the system. */
export class ConnectionFailure extends Error {
  override readonly name = "ConnectionFailure";
  readonly code: string;

  constructor(code: "CONNECT_TIMEOUT" | "CLOSED") {
    super(code);
    this.code = code;
  }
}

const READ_BYTES = 64 * 1024;
const SECURE_READ_BYTES = 16 * 1024; // no record of TLS holds more
const TCP_KEEP_ALIVE_MS = 60_000;

// Every read of a plain connection is over before the next one begins: one buffer, which stays in the processor's cache,
// serves all. Under TLS a read can hang on another's write, so that each connection has its own.
const sharedReads = Buffer.allocUnsafeSlow(READ_BYTES);

/** One connection to a provider, which works on one call at a time. */
export class Connection {
  /** The longest that it should lie idle, as its server says. */
  idleMs: number | undefined;
  /** Since when it lies idle, on the monotonic clock. */
  idleSinceMs = 0;
  readonly #owner: ConnectionOwner;
  readonly #socket: net.Socket;
  readonly #parser: ResponseParser;
  #exchange: Exchange | undefined;
  #connected = false;
  #keepsAlive = false;
  #gone = false;

  constructor(endpoint: Endpoint, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#parser = new ResponseParser(this, endpoint.maxHeadBytes);
    this.#socket = open(endpoint, (bytes) => this.#onRead(bytes));
    const timer = endpoint.runtime.setTimer(endpoint.connectMs, () =>
      this.#end(new ConnectionFailure("CONNECT_TIMEOUT")),
    );
    this.#socket.once(endpoint.secure ? "secureConnect" : "connect", () => {
      timer.cancel();
      this.#connected = true;
      if (!this.#gone) owner.onFree(this);
    });
    this.#socket.on("error", (error) => this.#end(error));
    this.#socket.on("end", () => this.#onFin());
    this.#socket.once("close", () => {
      timer.cancel();
      this.#end(new ConnectionFailure("CLOSED"));
    });
  }

  /** Sends a request. Only while free. */
  run(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.onAssigned(this);
    this.#parser.restart();
    this.#socket.write(exchange.requestText, exchange.requestEncoding);
    if (exchange.paused) this.#socket.pause();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Closes it at once. Its exchange hears nothing more. */
  destroy(): void {
    this.#exchange = undefined;
    this.#end(undefined);
  }

  /** Closes it at once; its exchange hears that it was closed. */
  cut(): void {
    this.#end(new ConnectionFailure("CLOSED"));
  }

  onHead(head: ResponseHead): void {
    this.#keepsAlive = head.keepsAlive;
    this.idleMs = head.idleMs;
    this.#exchange?.onHead(head);
  }

  onBody(bytes: Buffer): void {
    this.#exchange?.onBody(bytes);
  }

  #onRead(bytes: Buffer): void {
    if (this.#gone) return;
    try {
      this.#parser.push(bytes);
    } catch (thrown) {
      this.#end(thrown as Error);
      return;
    }
    if (this.#gone) return;
    if (this.#exchange === undefined) this.destroy(); // nobody has asked for anything
    else if (this.#parser.done) this.#finish();
  }

  #onFin(): void {
    const exchange = this.#exchange;
    if (this.#gone || exchange === undefined || !this.#parser.end()) {
      this.#end(new ConnectionFailure("CLOSED"));
      return;
    }
    this.destroy();
    exchange.onEnd();
  }

  /** The response is whole. What was not all sent, or brought more than was asked for, is not used again. */
  #finish(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (!this.#keepsAlive || this.#parser.excess || this.#socket.writableLength > 0) this.destroy();
    else {
      if (this.#socket.isPaused()) this.#socket.resume();
      this.#owner.onFree(this);
    }
    exchange?.onEnd();
  }

  #end(error: Error | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#socket.destroy();
    this.#owner.onGone(this, this.#connected ? undefined : error);
    if (error) exchange?.onError(error);
  }
}

function open(endpoint: Endpoint, onRead: (bytes: Buffer) => void): net.Socket {
  const { host, port, secure } = endpoint;
  const buffer = secure ? Buffer.allocUnsafeSlow(SECURE_READ_BYTES) : sharedReads;
  const onread = {
    buffer,
    callback(length: number): boolean {
      onRead(buffer.subarray(0, length));
      return true;
    },
  };
  const common = { host, port, onread };
  const socket = secure ? openSecure(endpoint, common) : net.connect(common);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
  return socket;
}

function openSecure(endpoint: Endpoint, common: tls.ConnectionOptions): tls.TLSSocket {
  const { host, tlsSession } = endpoint;
  const socket = tls.connect({
    ...common,
    ALPNProtocols: ["http/1.1"],
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ...(tlsSession ? { session: tlsSession } : {}),
  });
  socket.on("session", (session) => {
    endpoint.tlsSession = session;
  });
  return socket;
}
