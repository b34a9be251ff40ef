import type { Runtime } from "../runtime/runtime.ts";

/** How an attempt ended, as the upstream saw it. */
export type AttemptEnd =
  | "running"
  /** The answer left whole, whatever it says. */
  | "completed"
  /** The sandbox broke it off: a fault, or its own end. */
  | "cut"
  /** The client closed the connection before the answer was whole. */
  | "client_closed";

/** One chat request that reached the sandbox. Times are monotonic milliseconds of the sandbox's clock. */
export interface BookedAttempt {
  readonly number: number;
  /** Wire format, for example `openai-chat`. */
  readonly format: string;
  /** As asked for, suffix included; empty when the request could not be read. */
  model: string;
  stream: boolean;
  inputTokens: number;
  readonly startedAtMs: number;
  /** HTTP status; undefined before headers were written. */
  status: number | undefined;
  /** Tokens of the answer that were written. */
  tokensSent: number;
  /** Bytes of the body that were written, framing aside. */
  bytesSent: number;
  ended: AttemptEnd;
  endedAtMs: number | undefined;
}

/** Sums over all attempts since the last reset. */
export interface BookTotals {
  attempts: number;
  running: number;
  completed: number;
  cut: number;
  clientClosed: number;
  inputTokens: number;
  tokensSent: number;
}

/** The sandbox's own records. */
export interface Books {
  /** At least the last 10,000, oldest first. */
  readonly attempts: readonly Readonly<BookedAttempt>[];
  readonly totals: Readonly<BookTotals>;
  /** TCP connections that are open, and that were ever opened. */
  readonly connections: { readonly open: number; readonly opened: number };
  /** Attempts of one model id, suffix included. */
  of(model: string): readonly Readonly<BookedAttempt>[];
  /** Resolves as soon as the condition holds; it is looked at after each change. */
  until(condition: (books: Books) => boolean): Promise<void>;
  /** Forgets everything, also what `-once` faults remember. Attempts that run are booked on. */
  reset(): void;
}

const MAX_ATTEMPTS = 10_000;

/** Writes the books. */
export class BookKeeper implements Books {
  readonly #runtime: Runtime;
  readonly #onReset: () => void;
  readonly #watchers = new Set<() => void>();
  #attempts: BookedAttempt[] = [];
  #totals = emptyTotals();
  #number = 0;
  readonly connections = { open: 0, opened: 0 };

  constructor(runtime: Runtime, onReset: () => void) {
    this.#runtime = runtime;
    this.#onReset = onReset;
  }

  get attempts(): readonly Readonly<BookedAttempt>[] {
    return this.#attempts;
  }

  get totals(): Readonly<BookTotals> {
    return this.#totals;
  }

  of(model: string): readonly Readonly<BookedAttempt>[] {
    return this.#attempts.filter((attempt) => attempt.model === model);
  }

  async until(condition: (books: Books) => boolean): Promise<void> {
    if (condition(this)) return;
    await new Promise<void>((resolve) => {
      const watcher = () => {
        if (!condition(this)) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }

  reset(): void {
    this.#attempts = this.#attempts.filter((attempt) => attempt.ended === "running");
    const { running } = this.#totals;
    this.#totals = { ...emptyTotals(), attempts: running, running };
    this.#onReset();
    this.#changed();
  }

  /** Books a request that begins. */
  begin(format: string): BookedAttempt {
    const attempt: BookedAttempt = {
      number: ++this.#number,
      format,
      model: "",
      stream: false,
      inputTokens: 0,
      startedAtMs: this.#runtime.monotonicMs(),
      status: undefined,
      tokensSent: 0,
      bytesSent: 0,
      ended: "running",
      endedAtMs: undefined,
    };
    this.#attempts.push(attempt);
    if (this.#attempts.length > 2 * MAX_ATTEMPTS) this.#attempts = this.#attempts.slice(-MAX_ATTEMPTS);
    this.#totals.attempts += 1;
    this.#totals.running += 1;
    this.#changed();
    return attempt;
  }

  /** Books part of a body that was written. */
  wrote(attempt: BookedAttempt, bytes: number, tokens: number): void {
    attempt.bytesSent += bytes;
    attempt.tokensSent += tokens;
    this.#totals.tokensSent += tokens;
    if (this.#watchers.size > 0) this.#changed();
  }

  /** Books what was read of a request. */
  asked(attempt: BookedAttempt, about: { model: string; stream: boolean; inputTokens: number }): void {
    Object.assign(attempt, about);
    this.#totals.inputTokens += about.inputTokens;
    this.#changed();
  }

  /** Books the end of an attempt; only the first one counts. */
  end(attempt: BookedAttempt, how: Exclude<AttemptEnd, "running">): void {
    if (attempt.ended !== "running") return;
    attempt.ended = how;
    attempt.endedAtMs = this.#runtime.monotonicMs();
    this.#totals.running -= 1;
    this.#totals[how === "client_closed" ? "clientClosed" : how] += 1;
    this.#changed();
  }

  /** Books that the sandbox breaks off all that runs. */
  cutAll(): void {
    for (const attempt of this.#attempts) this.end(attempt, "cut");
  }

  /** Books a connection that was opened or, with -1, closed. */
  connection(change: 1 | -1): void {
    this.connections.open += change;
    if (change > 0) this.connections.opened += 1;
    this.#changed();
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

function emptyTotals(): BookTotals {
  return { attempts: 0, running: 0, completed: 0, cut: 0, clientClosed: 0, inputTokens: 0, tokensSent: 0 };
}
