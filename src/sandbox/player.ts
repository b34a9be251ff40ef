import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import type { Runtime } from "../runtime/runtime.ts";
import type { BookedAttempt, BookKeeper } from "./books.ts";
import type { Step, Write } from "./steps.ts";

/** Plays steps onto one HTTP response and books what happens. */
export class Player {
  readonly #response: ServerResponse;
  readonly #runtime: Runtime;
  readonly #books: BookKeeper;
  readonly #attempt: BookedAttempt;
  readonly #gone: Promise<void>;
  #isGone = false;

  constructor(parts: { response: ServerResponse; runtime: Runtime; books: BookKeeper; attempt: BookedAttempt }) {
    this.#response = parts.response;
    this.#runtime = parts.runtime;
    this.#books = parts.books;
    this.#attempt = parts.attempt;
    this.#gone = new Promise((resolve) => {
      this.#response.once("close", () => {
        this.#isGone = true;
        this.#books.end(this.#attempt, this.#response.writableFinished ? "completed" : "client_closed");
        resolve();
      });
    });
    this.#response.once("finish", () => this.#books.end(this.#attempt, "completed"));
    // What a client that leaves does to a write is no news: `close` tells it.
    this.#response.on("error", () => undefined);
  }

  /** Resolves when the response has ended, one way or another. */
  async play(steps: Iterable<Step>): Promise<void> {
    for (const step of steps) {
      if (this.#isGone) return;
      const pending = this.#perform(step);
      if (pending) await pending;
    }
    await this.#gone;
  }

  #perform(step: Step): Promise<void> | undefined {
    switch (step.do) {
      case "head":
        this.#attempt.status = step.status;
        this.#response.writeHead(step.status, step.headers);
        return undefined;
      case "write":
        return this.#write(step);
      case "wait":
        return this.#wait(step.ms);
      case "hang":
        this.#flushHead();
        return this.#gone;
      case "end":
        this.#response.end();
        return undefined;
      default:
        return this.#breakOff(step.do);
    }
  }

  #write({ bytes, tokens }: Write): Promise<void> | undefined {
    this.#books.wrote(this.#attempt, Buffer.byteLength(bytes), tokens);
    if (this.#response.write(bytes)) return undefined;
    return Promise.race([this.#gone, new Promise<void>((resolve) => this.#response.once("drain", resolve))]);
  }

  async #wait(ms: number): Promise<void> {
    this.#flushHead();
    if (ms === 0) return new Promise((resolve) => this.#runtime.afterTurn(resolve));
    let cancel = (): void => undefined;
    const elapsed = new Promise<void>((resolve) => {
      const timer = this.#runtime.setTimer(ms, resolve);
      cancel = () => timer.cancel();
    });
    await Promise.race([elapsed, this.#gone]);
    cancel();
  }

  #flushHead(): void {
    if (this.#attempt.status !== undefined) this.#response.flushHeaders();
  }

  async #breakOff(how: "reset" | "close"): Promise<void> {
    const { socket } = this.#response;
    if (!socket) return;
    // What was written must have left before the connection goes, or the client would see less than the books say.
    await Promise.race([this.#gone, new Promise<void>((resolve) => socket.write("", () => resolve()))]);
    this.#books.end(this.#attempt, "cut");
    if (how === "reset") socket.resetAndDestroy();
    else socket.destroySoon();
    await this.#gone;
  }
}
