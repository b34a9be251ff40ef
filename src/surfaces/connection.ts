import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Runtime, Timer } from "../runtime/runtime.ts";

/** Times of one client connection, in milliseconds. */
export interface ConnectionTimes {
  /** Until the first request is complete enough to be dispatched. */
  readonly firstRequestMs: number;
  /** Between the end of the last running request and the next one. */
  readonly idleMs: number;
  /** Between two HTTP/2 PINGs; a connection that has not answered one by the next is cut. */
  readonly pingMs: number;
}

/**
 * One client connection and the requests that run on it. It closes what is idle: an HTTP/2 connection by a clock that
 * only requests reset, so that trickled bytes keep nothing open; HTTP/1.1 has the server's own clocks for that.
 */
export class Connection {
  readonly socket: Socket;
  readonly #runtime: Runtime;
  readonly #times: ConnectionTimes;
  #session: ServerHttp2Session | undefined;
  #running = 0;
  #idleTimer: Timer | undefined;
  #pingTimer: Timer | undefined;
  #ending = false;

  constructor(socket: Socket, runtime: Runtime, times: ConnectionTimes) {
    this.socket = socket;
    this.#runtime = runtime;
    this.#times = times;
    this.#idleTimer = runtime.setTimer(times.firstRequestMs, () => socket.destroy());
    socket.once("close", () => this.#stopTimers());
  }

  /** Number of running requests. */
  get running(): number {
    return this.#running;
  }

  /** From here on the HTTP/1.1 server's own clocks hold. */
  becomeHttp1(): void {
    this.#idleTimer?.cancel();
  }

  /** From here on the session's requests and PINGs tell whether anybody is there. */
  becomeHttp2(session: ServerHttp2Session): void {
    this.#session = session;
    this.#ping(session);
  }

  /** A request begins. */
  begin(): void {
    this.#running += 1;
    if (this.#session) this.#idleTimer?.cancel();
  }

  /** A request has ended. */
  end(): void {
    this.#running -= 1;
    if (this.#running > 0) return;
    if (this.#ending) this.endWhenIdle();
    else if (this.#session) this.#idleTimer = this.#runtime.setTimer(this.#times.idleMs, () => this.endWhenIdle());
  }

  /** Takes no further request and closes as soon as none runs: `connection: close` or GOAWAY. */
  endWhenIdle(): void {
    this.#ending = true;
    this.#session?.close();
    if (this.#running > 0) return;
    // What is written leaves first; a client that does not take it is cut. A session ends its socket itself.
    if (!this.#session) this.socket.destroySoon();
    this.#idleTimer?.cancel();
    this.#idleTimer = this.#runtime.setTimer(this.#times.firstRequestMs, () => this.socket.destroy());
  }

  #ping(session: ServerHttp2Session): void {
    this.#pingTimer = this.#runtime.setTimer(this.#times.pingMs, () => {
      if (session.destroyed) return;
      let answered = false;
      session.ping(() => (answered = true));
      this.#pingTimer = this.#runtime.setTimer(this.#times.pingMs, () => {
        if (!answered) this.socket.destroy();
        else this.#ping(session);
      });
    });
  }

  #stopTimers(): void {
    this.#idleTimer?.cancel();
    this.#pingTimer?.cancel();
  }
}
