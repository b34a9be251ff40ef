import type { Timer } from "../runtime/runtime.ts";
import { Connection, ConnectionFailure, type ConnectionOwner, type Endpoint, type Exchange } from "./connection.ts";

// Servers tell how long they keep an idle connection, and some close it a little early; others keep it for long.
const IDLE_MS = 10_000;
const LONGEST_IDLE_MS = 600_000;
const IDLE_MARGIN_MS = 2_000;
const SWEEP_MS = 1_000;

/** The connections to one origin. A call takes one that is free, or opens one, or waits for its turn. */
export class OriginPool implements ConnectionOwner {
  readonly #endpoint: Endpoint;
  readonly #maxConnections: number;
  readonly #open = new Set<Connection>();
  /** Last in, first out: what is not needed falls idle for good. */
  readonly #free: Connection[] = [];
  readonly #waiting: Exchange[] = [];
  /** Connections that are being made, each for the call that made it necessary. */
  readonly #making = new Map<Connection, Exchange>();
  #sweep: Timer | undefined;
  #closed = false;

  constructor(endpoint: Endpoint, maxConnections: number) {
    this.#endpoint = endpoint;
    this.#maxConnections = maxConnections;
  }

  /** Begins a call, at once where a connection is free. */
  add(exchange: Exchange): void {
    const free = this.#takeFree();
    if (free) return free.run(exchange);
    this.#waiting.push(exchange);
    this.#makeFor(exchange);
  }

  /** A call that waits is not wanted any more, nor is the connection that was begun for it. */
  remove(exchange: Exchange): void {
    const place = this.#waiting.indexOf(exchange);
    if (place >= 0) this.#waiting.splice(place, 1);
    for (const [connection, owner] of this.#making) {
      if (owner === exchange && this.#waiting.length < this.#making.size) connection.destroy();
    }
  }

  /** Closes every connection; running and waiting calls fail. */
  close(): void {
    this.#closed = true;
    this.#sweep?.cancel();
    const waiting = this.#waiting.splice(0);
    for (const connection of this.#open) connection.cut();
    for (const exchange of waiting) exchange.onError(new ConnectionFailure("CLOSED"));
  }

  onFree(connection: Connection): void {
    this.#making.delete(connection);
    const next = this.#waiting.shift();
    if (next) return connection.run(next);
    if (idleLimitMs(connection) <= 0) return connection.destroy();
    connection.idleSinceMs = this.#endpoint.runtime.monotonicMs();
    this.#free.push(connection);
    this.#sweep ??= this.#sweepLater();
  }

  onGone(connection: Connection, error: Error | undefined): void {
    this.#open.delete(connection);
    const place = this.#free.indexOf(connection);
    if (place >= 0) this.#free.splice(place, 1);
    const owner = this.#making.get(connection);
    this.#making.delete(connection);
    const waits = owner ? this.#waiting.indexOf(owner) : -1;
    if (owner && error && waits >= 0) {
      this.#waiting.splice(waits, 1);
      owner.onError(error);
    }
    // Who waited because there were too many may open one now.
    if (this.#waiting.length <= this.#making.size || this.#closed) return;
    const made = new Set(this.#making.values());
    const next = this.#waiting.find((one) => !made.has(one));
    if (next) this.#makeFor(next);
  }

  #makeFor(exchange: Exchange): void {
    if (this.#open.size >= this.#maxConnections) return;
    const connection = new Connection(this.#endpoint, this);
    this.#open.add(connection);
    this.#making.set(connection, exchange);
  }

  #takeFree(): Connection | undefined {
    for (;;) {
      const connection = this.#free.pop();
      if (!connection || !this.#isOverdue(connection)) return connection;
      connection.destroy();
    }
  }

  #isOverdue(connection: Connection): boolean {
    return this.#endpoint.runtime.monotonicMs() - connection.idleSinceMs >= idleLimitMs(connection);
  }

  #sweepLater(): Timer {
    return this.#endpoint.runtime.setTimer(SWEEP_MS, () => {
      for (const connection of this.#free.filter((one) => this.#isOverdue(one))) connection.destroy();
      this.#sweep = this.#free.length > 0 ? this.#sweepLater() : undefined;
    });
  }
}

function idleLimitMs({ idleMs }: Connection): number {
  return idleMs === undefined ? IDLE_MS : Math.min(LONGEST_IDLE_MS, idleMs - IDLE_MARGIN_MS);
}
