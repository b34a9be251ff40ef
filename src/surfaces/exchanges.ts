import type { IncomingMessage } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";
import type { Socket } from "node:net";
import type { Runtime } from "../runtime/runtime.ts";
import { SwapList, type Listed } from "../runtime/swap-list.ts";
import type { Connection } from "./connection.ts";
import { cut, isHttp2, type AnyRequest, type AnyResponse } from "./exchange.ts";

interface Exchange extends Listed {
  readonly response: AnyResponse;
  /** When it was first seen ended but not taken by the client. */
  endedAtMs: number | undefined;
}

// Connections of HTTP/1.1 on which a request still comes in that has had its answer.
const answeredEarly = new WeakSet<Socket>();

/** Whether the request that comes in on a connection of HTTP/1.1 has had its answer: another would be taken for the next one's. */
export function isAnsweredEarly(socket: Socket): boolean {
  return answeredEarly.has(socket);
}

/** The running requests of a listener: counts them, and cuts clients that do not take their answer or never stop sending. */
export class Exchanges {
  readonly #runtime: Runtime;
  readonly #flushMs: number;
  readonly #running = new SwapList<Exchange>();
  readonly #idleListeners = new Set<() => void>();
  #sweeping = false;

  constructor(runtime: Runtime, flushMs: number) {
    this.#runtime = runtime;
    this.#flushMs = flushMs;
  }

  get count(): number {
    return this.#running.size;
  }

  /** A request begins; it ends by itself when its response has left or its client has. */
  begin(request: AnyRequest, response: AnyResponse, connection: Connection): void {
    const exchange: Exchange = { response, endedAtMs: undefined, place: -1 };
    this.#running.add(exchange);
    connection.begin();
    // A socket that fails under a request shows as `close`; without a listener its error would end the process.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    if (isHttp2(request)) response.once("finish", () => refuseRest(request));
    response.once("close", () => {
      this.#running.delete(exchange);
      connection.end();
      if (!isHttp2(request) && !request.complete) this.#cutUpload(request);
      if (this.#running.size === 0) for (const listener of this.#idleListeners) listener();
    });
    if (!this.#sweeping) this.#sweep();
  }

  /** Tells the clients of HTTP/1.1 answers that have not begun that their connection closes. */
  announceClose(): void {
    for (const { response } of this.#running.items()) {
      if (!response.headersSent && !("stream" in response)) response.setHeader("connection", "close");
    }
  }

  /** Resolves when no request runs. */
  async whenNone(): Promise<void> {
    if (this.#running.size === 0) return;
    await new Promise<void>((resolve) => {
      const listener = (): void => {
        this.#idleListeners.delete(listener);
        resolve();
      };
      this.#idleListeners.add(listener);
    });
  }

  // The answer is out and the client still sends: what it sends is thrown away, for as long as an answer may take to leave.
  #cutUpload(request: IncomingMessage): void {
    const { socket } = request;
    if (socket.destroyed) return;
    const over = (): void => {
      timer.cancel();
      answeredEarly.delete(socket);
      socket.off("close", over);
      request.off("end", over);
    };
    const timer = this.#runtime.setTimer(this.#flushMs, () => socket.destroy());
    answeredEarly.add(socket);
    socket.once("close", over);
    request.once("end", over);
  }

  // One timer for all: an answer that has ended and is not taken within the time is cut.
  #sweep(): void {
    this.#sweeping = this.#running.size > 0;
    if (!this.#sweeping) return;
    const nowMs = this.#runtime.monotonicMs();
    for (const exchange of this.#running.items()) {
      if (!exchange.response.writableEnded) continue;
      exchange.endedAtMs ??= nowMs;
      if (nowMs - exchange.endedAtMs >= this.#flushMs) cut(exchange.response);
    }
    this.#runtime.setTimer(Math.max(10, this.#flushMs / 4), () => this.#sweep());
  }
}

// Who has the whole answer of HTTP/2 and still sends is told to stop: the stream would stay open for it (RFC 9113, 8.1).
function refuseRest({ stream, readableEnded }: Http2ServerRequest): void {
  if (!stream.endAfterHeaders && !readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}
