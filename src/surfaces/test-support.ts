import type { ServerResponse } from "node:http";
import * as net from "node:net";
import type { Log } from "../observe/log.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { AnyResponse } from "./exchange.ts";
import { listen, type Listener } from "./listener.ts";
import type { ListenOptions } from "./listen-options.ts";
import { Readiness } from "./readiness.ts";

// What the tests of all surfaces share. Only tests import it.

const ignore = (): void => undefined;

/** A log that says nothing. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => silentLog };

/** A listener on a free loopback port; what is not given is small, fast and closed. */
export function listenForTest(runtime: Runtime, options: Partial<Omit<ListenOptions, "runtime">>): Promise<Listener> {
  return listen({
    host: "127.0.0.1",
    port: 0,
    limits: { headerBytes: 16 * 1024, connections: 100, streamsPerConnection: 100 },
    timeouts: { clientHeadersMs: 5000, clientBodyMs: 5000 },
    drain: { acceptMs: 0, graceMs: 5000 },
    log: silentLog,
    corsOrigins: [],
    readiness: new Readiness(),
    ...options,
    runtime,
    handlers: {
      openai: (_request, response) => response.end("openai"),
      connect: (_request, response) => response.end("connect"),
      ops: () => false,
      ...options.handlers,
    },
  });
}

/** A raw TCP client that keeps what it receives. */
export class RawClient {
  readonly socket: net.Socket;
  /** Resolves with everything received once the other side has closed. */
  readonly closed: Promise<string>;
  received = "";
  readonly #waiting = new Set<() => void>();

  constructor(port: number) {
    this.socket = net.connect({ port, host: "127.0.0.1" });
    this.socket.on("error", ignore);
    this.socket.on("data", (chunk) => {
      this.received += chunk.toString("latin1");
      for (const check of this.#waiting) check();
    });
    this.closed = new Promise((resolve) => this.socket.once("close", () => resolve(this.received)));
  }

  write(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** Resolves once what was received includes `text`; rejects when the connection closes before. */
  async until(text: string): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (!this.received.includes(text)) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      this.socket.once("close", () => reject(new Error(`closed before ${text}: ${this.received}`)));
      check();
    });
    return this.received;
  }
}

/** Writes to a response of either HTTP version. */
export function write(response: AnyResponse, text: string): void {
  (response as ServerResponse).write(text);
}
