import { create } from "@bufbuild/protobuf";
import {
  LogprobsOnlySchema,
  type BlockDelta,
  type BlockWriter,
  type Part,
  type StreamEvent,
  type TokenLogprob,
} from "../contract/index.ts";

/** The kinds of delta that append text. */
export type TextCase =
  | "text"
  | "reasoningText"
  | "reasoningSummary"
  | "argumentsJson"
  | "toolText"
  | "refusal"
  | "transcript";

interface Held {
  readonly kind: TextCase;
  readonly piece: number;
  readonly half: string;
}

/**
 * The blocks of one candidate. A character that an upstream splits over two deltas is held back until it is whole: half
 * a surrogate pair cannot be encoded and would be lost.
 */
export class AnswerBlocks {
  readonly #writer: BlockWriter;
  readonly #candidate: number;
  readonly #held = new Map<number, Held>();
  #opened = 0;
  /** Where events go; set before each use. */
  out: StreamEvent[] = [];

  constructor(writer: BlockWriter, candidate: number) {
    this.#writer = writer;
    this.#candidate = candidate;
  }

  /** How many blocks were opened. */
  get opened(): number {
    return this.#opened;
  }

  /** Opens a block and returns its number. */
  open(part: Part): number {
    this.#opened += 1;
    return this.#writer.open(this.out, this.#candidate, part);
  }

  /** A part that needs no deltas. */
  whole(part: Part): void {
    this.#opened += 1;
    this.#writer.whole(this.out, this.#candidate, part);
  }

  /** Appends text to an open block. */
  text(block: number, kind: TextCase, added: string, logprobs?: TokenLogprob[], piece = 0): void {
    let text = added;
    if (this.#held.size > 0) text = this.#takeHeld(block, kind, piece) + text;
    const last = text.charCodeAt(text.length - 1);
    if (last >= 0xd800 && last <= 0xdbff) {
      this.#held.set(block, { kind, piece, half: text.slice(-1) });
      text = text.slice(0, -1);
    }
    if (text !== "") this.delta(block, { case: kind, value: text }, logprobs, piece);
    else if (logprobs && logprobs.length > 0) this.logprobs(block, logprobs);
  }

  /** Appends log probabilities of text that was appended before. */
  logprobs(block: number, logprobs: TokenLogprob[]): void {
    if (logprobs.length === 0) return;
    this.delta(block, { case: "logprobsOnly", value: create(LogprobsOnlySchema) }, logprobs);
  }

  /** Appends anything else to an open block. */
  delta(block: number, delta: BlockDelta["delta"], logprobs?: TokenLogprob[], piece = 0): void {
    this.#writer.append(this.out, this.#candidate, block, delta, logprobs, piece);
  }

  /** The part of an open block as far as it is written. */
  part(block: number): Part {
    return this.#writer.part(this.#candidate, block);
  }

  /** Closes a block; half a character that was never completed becomes U+FFFD. */
  close(block: number): void {
    const held = this.#held.get(block);
    if (held) this.#replaceHalf(block, held);
    this.#writer.close(this.out, this.#candidate, block);
  }

  /** Closes all blocks that are still open, in order. */
  closeAll(): void {
    for (const [block, held] of this.#held) this.#replaceHalf(block, held);
    this.#writer.closeAll(this.out, this.#candidate);
  }

  #takeHeld(block: number, kind: TextCase, piece: number): string {
    const held = this.#held.get(block);
    if (!held) return "";
    if (held.kind !== kind || held.piece !== piece) {
      this.#replaceHalf(block, held);
      return "";
    }
    this.#held.delete(block);
    return held.half;
  }

  #replaceHalf(block: number, { kind, piece }: Held): void {
    this.#held.delete(block);
    this.delta(block, { case: kind, value: "\ufffd" }, undefined, piece);
  }
}
