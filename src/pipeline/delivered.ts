import { Buffer } from "node:buffer";
import type { StreamEvent } from "../contract/index.ts";
import { MAX_CONTINUED_BYTES } from "../routing/substitution.ts";

/** What the caller has of an answer, as far as another target would need it to go on. */
export class Delivered {
  #text = "";
  #bytes = 0;
  #block: number | undefined;
  #plain = true;
  #blocks = 0;
  #candidates = 0;
  #sawToolCall = false;
  #sawReasoning = false;
  #attempts: readonly number[] = [];

  /** An attempt, by its number, begins to deliver; `repeats`: it has said all that was delivered once more itself. */
  begin(attempt: number, repeats: boolean): void {
    if (this.#attempts.at(-1) === attempt) return;
    this.#attempts = repeats ? [attempt] : [...this.#attempts, attempt];
  }

  /** The numbers of the attempts whose output it is, each part once; the last one has broken off. */
  get attempts(): readonly number[] {
    return this.#attempts;
  }

  /** Takes an event that goes to the caller. */
  note({ event }: StreamEvent): void {
    switch (event.case) {
      case "blockStarted":
        return this.#start(event.value.candidate, event.value.block, event.value.part?.kind);
      case "blockDelta":
        if (event.value.delta.case !== "text" || event.value.block !== this.#block) this.#plain = false;
        else this.#append(event.value.delta.value);
        return;
      case "blockFinished":
      case "candidateFinished":
        this.#plain = false; // it was about to end: there is nothing to go on with
        return;
      default:
        return;
    }
  }

  /** The text of the one open text block; undefined where there is more than that, or nothing open. */
  get text(): string | undefined {
    return this.#plain && this.#block !== undefined && this.#bytes <= MAX_CONTINUED_BYTES ? this.#text : undefined;
  }

  /** Which block the text stands in. */
  get block(): number {
    return this.#block ?? 0;
  }

  /** Blocks begun in the first candidate. */
  get blocks(): number {
    return this.#blocks;
  }

  /** Bytes of UTF-8. */
  get bytes(): number {
    return this.#bytes;
  }

  get candidates(): number {
    return this.#candidates;
  }

  get sawToolCall(): boolean {
    return this.#sawToolCall;
  }

  get sawReasoning(): boolean {
    return this.#sawReasoning;
  }

  #start(candidate: number, block: number, kind: { case: string | undefined; value?: unknown } | undefined): void {
    this.#candidates = Math.max(this.#candidates, candidate + 1);
    this.#blocks = Math.max(this.#blocks, block + 1);
    if (kind?.case === "toolCall") this.#sawToolCall = true;
    if (kind?.case === "reasoning") this.#sawReasoning = true;
    if (kind?.case !== "text" || candidate > 0 || this.#block !== undefined) {
      this.#plain = false;
      return;
    }
    this.#block = block;
    this.#append((kind.value as { text: string }).text);
  }

  #append(text: string): void {
    this.#bytes += Buffer.byteLength(text);
    // What is longer is never looked at again.
    if (this.#bytes <= MAX_CONTINUED_BYTES) this.#text += text;
    else this.#text = "";
  }
}
