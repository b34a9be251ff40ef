import type { BlockDelta, BlockWriter, Part, StreamEvent } from "../contract/index.ts";

type TextCase = "text" | "reasoningText" | "reasoningSummary" | "argumentsJson" | "toolText" | "refusal" | "transcript";

interface Held {
  readonly kind: TextCase;
  readonly half: string;
}

/**
 * The blocks of one candidate, written one piece of text at a time. A character that an upstream splits over two deltas
 * is held back until it is whole: half a surrogate pair cannot be encoded and would be lost.
 */
export class AnswerBlocks {
  readonly #writer: BlockWriter;
  readonly #candidate: number;
  readonly #held = new Map<number, Held>();
  /** Where events go; set before each use. */
  out: StreamEvent[] = [];

  constructor(writer: BlockWriter, candidate: number) {
    this.#writer = writer;
    this.#candidate = candidate;
  }

  /** Opens a block and returns its number. */
  open(part: Part): number {
    return this.#writer.open(this.out, this.#candidate, part);
  }

  /** Appends text to an open block. */
  text(block: number, kind: TextCase, added: string): void {
    let text = added;
    if (this.#held.size > 0) text = this.#takeHeld(block, kind) + text;
    const last = text.charCodeAt(text.length - 1);
    if (last >= 0xd800 && last <= 0xdbff) {
      this.#held.set(block, { kind, half: text.slice(-1) });
      text = text.slice(0, -1);
    }
    if (text !== "") this.delta(block, { case: kind, value: text });
  }

  /** Appends anything to an open block. */
  delta(block: number, delta: BlockDelta["delta"]): void {
    this.#writer.append(this.out, this.#candidate, block, delta);
  }

  /** The part of an open block as far as it is written. */
  part(block: number): Part {
    return this.#writer.part(this.#candidate, block);
  }

  /** Closes a block; what is still held back was never completed and becomes U+FFFD. */
  close(block: number): void {
    const held = this.#held.get(block);
    this.#held.delete(block);
    if (held) this.delta(block, { case: held.kind, value: "\ufffd" });
    this.#writer.close(this.out, this.#candidate, block);
  }

  #takeHeld(block: number, kind: TextCase): string {
    const held = this.#held.get(block);
    if (!held) return "";
    this.#held.delete(block);
    if (held.kind === kind) return held.half;
    this.delta(block, { case: held.kind, value: "\ufffd" });
    return "";
  }
}
