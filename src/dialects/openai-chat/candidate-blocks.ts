import { create } from "@bufbuild/protobuf";
import {
  LogprobsOnlySchema,
  type BlockWriter,
  type BlockDelta,
  type Part,
  type StreamEvent,
  type TokenLogprob,
} from "../../contract/index.ts";

type TextCase = "text" | "reasoningText" | "reasoningSummary" | "argumentsJson" | "toolText" | "refusal" | "transcript";

interface Held {
  readonly kind: TextCase;
  readonly piece: number;
  readonly half: string;
}

/**
 * The blocks of one candidate. A character that an upstream splits over two deltas is held back until it is whole: half
 * a surrogate pair cannot be encoded and would be lost.
 */
export class CandidateBlocks {
  readonly #writer: BlockWriter;
  readonly #candidate: number;
  #held: Map<number, Held> | undefined;
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

  open(part: Part): number {
    this.#opened += 1;
    return this.#writer.open(this.out, this.#candidate, part);
  }

  /** A part that needs no deltas. */
  whole(part: Part): void {
    this.#opened += 1;
    this.#writer.whole(this.out, this.#candidate, part);
  }

  text(block: number, kind: TextCase, added: string, logprobs?: TokenLogprob[], piece = 0): void {
    let text = added;
    if (this.#held) text = this.#takeHeld(block, kind, piece) + text;
    const last = text.charCodeAt(text.length - 1);
    if (last >= 0xd800 && last <= 0xdbff) {
      (this.#held ??= new Map()).set(block, { kind, piece, half: text.slice(-1) });
      text = text.slice(0, -1);
    }
    if (text !== "") this.delta(block, { case: kind, value: text }, logprobs, piece);
    else if (logprobs && logprobs.length > 0) this.delta(block, logprobsOnly(), logprobs);
  }

  delta(block: number, delta: BlockDelta["delta"], logprobs?: TokenLogprob[], piece = 0): void {
    this.#writer.append(this.out, this.#candidate, block, delta, logprobs, piece);
  }

  /** The part of an open block as far as it is written. */
  part(block: number): Part {
    return this.#writer.part(this.#candidate, block);
  }

  /** Closes all blocks in order; what is still held back was never completed and becomes U+FFFD. */
  closeAll(): void {
    for (const [block, { kind, piece }] of this.#held ?? [])
      this.delta(block, { case: kind, value: "\ufffd" }, undefined, piece);
    this.#held = undefined;
    this.#writer.closeAll(this.out, this.#candidate);
  }

  #takeHeld(block: number, kind: TextCase, piece: number): string {
    const held = this.#held?.get(block);
    if (!held) return "";
    this.#held?.delete(block);
    if (held.kind === kind && held.piece === piece) return held.half;
    this.delta(block, { case: held.kind, value: "\ufffd" }, undefined, held.piece);
    return "";
  }
}

function logprobsOnly(): BlockDelta["delta"] {
  return { case: "logprobsOnly", value: create(LogprobsOnlySchema) };
}
