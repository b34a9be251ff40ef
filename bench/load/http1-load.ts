import { connect, type Socket } from "node:net";
import { emptyCounts, noteFailure, stopTimeoutMs, type Load, type LoadCounts, type LoadOptions } from "./load.ts";
import { ResponseReader } from "./response-reader.ts";

/** A load over HTTP/1.1 with keep-alive. */
export interface Http1LoadOptions extends LoadOptions {
  /** The whole request, head and body, sent over and over. */
  readonly request: Buffer;
  /** Bytes that mark the first token in a stream; undefined: first tokens are not timed. */
  readonly firstToken: Buffer | undefined;
  /** Bytes that an answer must end with (within its last 64); undefined: any end will do. */
  readonly ending: Buffer | undefined;
}

/** One connection. Bare sockets, since an HTTP client would cost about as much as what is measured. */
class Caller {
  readonly #socket: Socket;
  readonly #reader = new ResponseReader();
  readonly #options: Http1LoadOptions;
  readonly #counts: LoadCounts;
  readonly closed: Promise<void>;
  #sentAt = 0;
  #awaitsFirstToken = false;
  #sawEnding = false;
  #busy = false;
  #stopping = false;

  constructor(options: Http1LoadOptions, counts: LoadCounts) {
    this.#options = options;
    this.#counts = counts;
    this.#socket = connect({ port: options.port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    this.#socket.on("error", (error) => noteFailure(counts, error.message));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#socket.on("close", () => {
      if (this.#busy && !this.#stopping) noteFailure(counts, "the connection closed before the answer ended");
      resolve();
    });
  }

  start(): void {
    if (!this.#stopping) this.#send();
  }

  stop(): void {
    this.#stopping = true;
    if (!this.#busy) this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #send(): void {
    this.#busy = true;
    this.#awaitsFirstToken = this.#options.firstToken !== undefined;
    this.#sawEnding = this.#options.ending === undefined;
    this.#sentAt = performance.now();
    this.#socket.write(this.#options.request);
  }

  #receive(bytes: Buffer): void {
    const { firstToken, ending } = this.#options;
    this.#counts.bodyBytes += this.#reader.push(bytes);
    if (this.#awaitsFirstToken && firstToken && bytes.includes(firstToken)) {
      this.#awaitsFirstToken = false;
      this.#counts.firstTokensMs.push(performance.now() - this.#sentAt);
    }
    if (!this.#sawEnding && ending) this.#sawEnding = bytes.subarray(-64).includes(ending);
    if (!this.#reader.done) return;
    this.#busy = false;
    this.#counts.latenciesMs.push(performance.now() - this.#sentAt);
    if (this.#reader.status === 200 && this.#sawEnding) this.#counts.completed++;
    else noteFailure(this.#counts, `status ${this.#reader.status}: ${String(bytes.subarray(-300))}`);
    if (this.#stopping) this.#socket.destroy();
    else this.#send();
  }
}

/** Starts the callers, each on a connection of its own. */
export function startHttp1Load(options: Http1LoadOptions): Load {
  const counts = emptyCounts();
  const callers = Array.from({ length: options.callers }, () => new Caller(options, counts));
  const timers = callers.map((caller, index) =>
    setTimeout(() => caller.start(), (index * options.staggerMs) / options.callers),
  );
  return {
    counts,
    async stop() {
      for (const timer of timers) clearTimeout(timer);
      for (const caller of callers) caller.stop();
      const giveUp = setTimeout(() => {
        for (const caller of callers) caller.destroy();
      }, stopTimeoutMs);
      await Promise.all(callers.map((caller) => caller.closed));
      clearTimeout(giveUp);
    },
  };
}
