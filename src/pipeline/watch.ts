import type { Runtime, Timer } from "../runtime/runtime.ts";

// A timer that is later than this was held up by the process, not by the upstream.
const HELD_UP_MS = 1_000;

/** What ran out. */
export type Expiry = "deadline" | "stage";

/**
 * The one timer of a request. It knows three moments: the request's deadline, the end of the current stage (first
 * content, then progress), and when the caller is due a sign of life. Moving a moment later costs an assignment: the
 * timer only looks again when it fires.
 */
export class Watch {
  readonly #runtime: Runtime;
  readonly #deadlineAt: number;
  readonly #keepAliveMs: number;
  readonly #onKeepAlive: () => void;
  #stageAt = Infinity;
  #stageMs = Infinity;
  #keepAliveAt: number;
  #onWrote: (() => void) | undefined;
  #onExpired: ((expiry: Expiry) => void) | undefined;
  #timer: Timer | undefined;
  #armedFor = Infinity;

  constructor(runtime: Runtime, options: { deadlineInMs: number; keepAliveMs: number; onKeepAlive: () => void }) {
    this.#runtime = runtime;
    const now = runtime.monotonicMs();
    this.#deadlineAt = now + options.deadlineInMs;
    this.#keepAliveMs = options.keepAliveMs;
    this.#keepAliveAt = now + options.keepAliveMs;
    this.#onKeepAlive = options.onKeepAlive;
  }

  /** One under the same deadline with a stage of its own, for an attempt beside another one. */
  beside(): Watch {
    const other = new Watch(this.#runtime, {
      deadlineInMs: this.remainingMs,
      keepAliveMs: Infinity,
      onKeepAlive: () => undefined,
    });
    other.#onWrote = () => this.wrote();
    return other;
  }

  /** Time until the deadline, in milliseconds; never negative. */
  get remainingMs(): number {
    return Math.max(0, this.#deadlineAt - this.#runtime.monotonicMs());
  }

  /** Begins a stage that may last `stageMs` (`Infinity`: only the deadline counts) and says who hears of an expiry. */
  begin(stageMs: number, onExpired: (expiry: Expiry) => void): void {
    this.#stageMs = stageMs;
    this.#stageAt = this.#runtime.monotonicMs() + stageMs;
    this.#onExpired = onExpired;
    this.#arm();
  }

  /** The stage made progress; the next may take `stageMs`. */
  progress(stageMs: number): void {
    this.#stageMs = stageMs;
    this.#stageAt = this.#runtime.monotonicMs() + stageMs;
    if (this.#stageAt < this.#armedFor) this.#arm();
  }

  /** The caller reads slowly, so that the upstream cannot make progress: the stage stands still. */
  suspend(): void {
    this.#stageAt = Infinity;
  }

  /** The caller reads again: the stage starts anew. */
  resume(): void {
    this.progress(this.#stageMs);
  }

  /** Something was written to the caller. */
  wrote(): void {
    this.#keepAliveAt = this.#runtime.monotonicMs() + this.#keepAliveMs;
    this.#onWrote?.();
  }

  /** Nobody listens any more; an attempt has ended. */
  end(): void {
    this.#onExpired = undefined;
    this.#stageAt = Infinity;
  }

  /** The request has ended. */
  stop(): void {
    this.end();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedFor = 0;
  }

  #arm(): void {
    const due = Math.min(this.#deadlineAt, this.#stageAt, this.#keepAliveAt);
    if (this.#timer && due >= this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = due;
    this.#timer = this.#runtime.setTimer(Math.max(1, Math.ceil(due - this.#runtime.monotonicMs())), () => this.#fire());
  }

  #fire(): void {
    const now = this.#runtime.monotonicMs();
    // A process that stood still has not read what came meanwhile: the upstream gets its time again.
    if (now - this.#armedFor > HELD_UP_MS && this.#stageAt !== Infinity) this.#stageAt = now + this.#stageMs;
    this.#timer = undefined;
    this.#armedFor = Infinity;
    const expiry: Expiry | undefined =
      now >= this.#deadlineAt ? "deadline" : now >= this.#stageAt ? "stage" : undefined;
    if (expiry) {
      this.#stageAt = Infinity;
      this.#onExpired?.(expiry);
      if (expiry === "deadline") return;
    } else if (now >= this.#keepAliveAt) {
      this.wrote();
      this.#onKeepAlive();
    }
    // `stop` may have been called meanwhile
    if (this.#armedFor === Infinity) this.#arm();
  }
}
