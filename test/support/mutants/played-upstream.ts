import { ParleyError } from "../../../src/errors/index.ts";
import type { UpstreamCall, UpstreamClient, UpstreamHandler, UpstreamRequest } from "../../../src/upstream/upstream.ts";
import type { Answer } from "./answer.ts";
import type { Dice } from "./dice.ts";

const MAX_BYTES_ONE_BY_ONE = 3_000;

/** A provider that plays one answer to whoever calls, its bytes split by chance. */
export class PlayedUpstream implements UpstreamClient, UpstreamCall {
  readonly #answer: Answer;
  readonly #pieces: Iterator<Buffer>;
  #handler: UpstreamHandler | undefined;
  #sentBytes = 0;
  #isPaused = false;
  #isOver = false;
  #isPlaying = false;

  constructor(answer: Answer, dice: Dice) {
    this.#answer = answer;
    this.#pieces = split(answer.body, dice);
  }

  /** Whether the call has ended, one way or the other. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What was handed over so far. */
  get sent(): Buffer {
    return this.#answer.body.subarray(0, this.#sentBytes);
  }

  dispatch(_request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    this.#handler = handler;
    queueMicrotask(() => {
      if (this.#isOver) return;
      handler.onHeaders(this.#answer.status, this.#answer.headers);
      this.#play();
    });
    return this;
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
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #play(): void {
    if (this.#isPlaying) return;
    this.#isPlaying = true;
    while (!this.#isOver && !this.#isPaused) {
      const { value, done } = this.#pieces.next();
      if (done === true) {
        this.#end();
        break;
      }
      this.#sentBytes += value.length;
      this.#handler?.onData(value);
    }
    this.#isPlaying = false;
  }

  #end(): void {
    if (this.#answer.ending === "silence") return;
    this.#isOver = true;
    if (this.#answer.ending === "end") this.#handler?.onEnd();
    else this.#handler?.onError(new ParleyError("STREAM_INTERRUPTED", "Cannot read the answer: the connection broke"));
  }
}

/** The bytes whole, one by one, or cut at random places. */
export function* split(bytes: Buffer, dice: Dice): Generator<Buffer, void> {
  const isWhole = dice.chance(0.3);
  const isSingle = !isWhole && bytes.length <= MAX_BYTES_ONE_BY_ONE && dice.chance(0.15);
  const most = isWhole ? bytes.length : isSingle ? 1 : 1 + dice.below(Math.ceil(bytes.length / 3) + 8);
  for (let at = 0; at < bytes.length;) {
    const size = isSingle || isWhole ? most : 1 + dice.below(most);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
