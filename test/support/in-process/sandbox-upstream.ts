import { Buffer } from "node:buffer";
import { ParleyError } from "../../../src/errors/index.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { BookKeeper, type BookedAttempt } from "../../../src/sandbox/books.ts";
import { FORMATS, stepsFor, type SandboxState } from "../../../src/sandbox/handle.ts";
import { FaultMemory } from "../../../src/sandbox/memory.ts";
import type { Head, Step, Write } from "../../../src/sandbox/steps.ts";
import type { UpstreamCall, UpstreamClient, UpstreamHandler, UpstreamRequest } from "../../../src/upstream/upstream.ts";

/**
 * The sandbox without HTTP: the same wire formats, models, faults and books behind the port that the pipeline calls
 * upstreams by, in the runtime's time.
 */
export class SandboxUpstream implements UpstreamClient {
  readonly books: BookKeeper;
  readonly #state: SandboxState;

  constructor(runtime: Runtime) {
    const memory = new FaultMemory(() => runtime.random());
    this.books = new BookKeeper(runtime, () => memory.clear());
    this.#state = { runtime, books: this.books, memory, tokenDelayMs: 0 };
  }

  dispatch(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const { path: url, headers, body, method } = request;
    const path = url.split("?", 1)[0] ?? "/";
    const format = FORMATS.find((one) => one.endpoint(method, path, headers)?.kind === "chat");
    if (!format) throw new RangeError(`Cannot call the sandbox: nothing answers ${method} ${path}`);
    const { runtime } = this.#state;
    const attempt = this.books.begin(format.id);
    const stamp = { id: runtime.randomHex(12), createdSeconds: Math.floor(runtime.nowMs() / 1000), inputTokens: 0 };
    const steps = stepsFor(this.#state, format, { headers, url }, Buffer.from(body), attempt, stamp);
    return new PlayedCall({ steps, runtime, handler, books: this.books, attempt });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface CallParts {
  readonly steps: Iterable<Step>;
  readonly runtime: Runtime;
  readonly handler: UpstreamHandler;
  readonly books: BookKeeper;
  readonly attempt: BookedAttempt;
}

/** Plays steps to one call, and does to its bytes what HTTP does: a content-length that is reached ends the body. */
class PlayedCall implements UpstreamCall {
  readonly #parts: CallParts;
  readonly #steps: Iterator<Step>;
  #bytesLeft = Infinity;
  #isPaused = false;
  #isOver = false;
  #isPlaying = false;

  constructor(parts: CallParts) {
    this.#parts = parts;
    this.#steps = parts.steps[Symbol.iterator]();
    queueMicrotask(() => {
      parts.handler.onSent?.();
      this.#play();
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    queueMicrotask(() => this.#play());
  }

  abort(): void {
    this.#isOver = true;
    this.#parts.books.end(this.#parts.attempt, "client_closed");
  }

  #play(): void {
    if (this.#isPlaying) return;
    this.#isPlaying = true;
    while (!this.#isOver && !this.#isPaused) {
      const { value, done } = this.#steps.next();
      if (done === true || !this.#perform(value)) break;
    }
    this.#isPlaying = false;
  }

  /** Whether the next step may follow at once. */
  #perform(step: Step): boolean {
    switch (step.do) {
      case "head":
        this.#begin(step);
        return true;
      case "write":
        this.#write(step);
        return true;
      case "wait":
        if (step.ms === 0) return true;
        this.#parts.runtime.setTimer(step.ms, () => this.#play());
        return false;
      case "hang":
        return false;
      case "end":
        if (this.#bytesLeft === Infinity || this.#bytesLeft === 0) this.#end();
        else this.#break();
        return false;
      default:
        this.#break();
        return false;
    }
  }

  #begin({ status, headers }: Head): void {
    this.#parts.attempt.status = status;
    if (headers["content-length"] !== undefined) this.#bytesLeft = Number(headers["content-length"]);
    this.#parts.handler.onHeaders(status, headers);
  }

  #write({ bytes, tokens }: Write): void {
    const { books, attempt, handler } = this.#parts;
    const data = Buffer.from(bytes).subarray(0, this.#bytesLeft === Infinity ? undefined : this.#bytesLeft);
    books.wrote(attempt, data.length, tokens);
    this.#bytesLeft -= data.length;
    if (data.length > 0) handler.onData(data);
    if (this.#bytesLeft === 0) this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.books.end(this.#parts.attempt, "completed");
    this.#parts.handler.onEnd();
  }

  #break(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { books, attempt, handler } = this.#parts;
    books.end(attempt, "cut");
    const reason = attempt.status === undefined ? "PROVIDER_UNREACHABLE" : "STREAM_INTERRUPTED";
    handler.onError(new ParleyError(reason, "Cannot read the provider's answer: the connection broke"));
  }
}
