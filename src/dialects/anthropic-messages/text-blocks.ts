import { create } from "@bufbuild/protobuf";
import { PartSchema, ReasoningVisibility, textPart, type Part } from "../../contract/index.ts";
import { wordSet } from "../drift.ts";
import { arrayItems } from "../json-slices.ts";
import { objectMembers } from "../json-text.ts";
import { membersOf, type BlockReader, type BlockScope, type BlockStart } from "./block-reader.ts";
import { citationOf } from "./citations.ts";
import { REDACTED_FORMAT, SIGNATURE_FORMAT, stateOf } from "./provider-state.ts";
import type { ReceivedCitation, ReceivedDelta } from "./wire.ts";

const TEXT_MEMBERS = wordSet("type text citations");
const THINKING_MEMBERS = wordSet("type thinking signature");

/** Text. A block that stays empty is left out: no provider takes it back. */
export class TextReader implements BlockReader {
  readonly #scope: BlockScope;
  #block = -1;

  constructor(scope: BlockScope, start: BlockStart) {
    this.#scope = scope;
    scope.drift.members(start.block, TEXT_MEMBERS, "content[].");
    const { text, citations } = start.block;
    if (typeof text === "string" && text !== "") this.#addText(text);
    if (Array.isArray(citations) && citations.length > 0) {
      const items = arrayItems(membersOf(start).get("citations")?.text ?? "") ?? [];
      for (const [index, citation] of citations.entries()) this.#cite(citation, items[index]?.text ?? "");
    }
  }

  take(delta: ReceivedDelta, json: () => string): boolean {
    if (delta.type === "text_delta") {
      if (typeof delta.text === "string" && delta.text !== "") this.#addText(delta.text);
      return true;
    }
    if (delta.type !== "citations_delta") return false;
    if (delta.citation) this.#cite(delta.citation, objectMembers(json())?.get("citation")?.text ?? "");
    return true;
  }

  finish(): void {
    if (this.#block >= 0) this.#scope.blocks.close(this.#block);
  }

  #addText(text: string): void {
    this.#scope.blocks.text(this.#open(), "text", text);
  }

  #cite(citation: ReceivedCitation, json: string): void {
    const { blocks, target, drift } = this.#scope;
    blocks.delta(this.#open(), { case: "citation", value: citationOf(citation, json, target, drift) });
  }

  #open(): number {
    if (this.#block < 0) this.#block = this.#scope.blocks.open(textPart(""));
    return this.#block;
  }
}

/** Reasoning. Empty text beside a signature is legal and has to go back. */
export class ThinkingReader implements BlockReader {
  readonly #scope: BlockScope;
  #block = -1;
  #signature = "";

  constructor(scope: BlockScope, start: BlockStart) {
    this.#scope = scope;
    scope.drift.members(start.block, THINKING_MEMBERS, "content[].");
    this.#take(start.block.thinking, start.block.signature);
  }

  take(delta: ReceivedDelta): boolean {
    if (delta.type === "thinking_delta") this.#take(delta.thinking, undefined);
    else if (delta.type === "signature_delta") this.#take(undefined, delta.signature);
    else return false;
    return true;
  }

  finish(): void {
    const { blocks, target } = this.#scope;
    if (this.#signature !== "") {
      blocks.delta(this.#open(), { case: "state", value: stateOf(target, SIGNATURE_FORMAT, this.#signature) });
    }
    if (this.#block < 0) return;
    const { kind } = blocks.part(this.#block);
    if (kind.case === "reasoning" && kind.value.text.length === 0) {
      kind.value.visibility = ReasoningVisibility.OMITTED;
    }
    blocks.close(this.#block);
  }

  #take(thinking: unknown, signature: unknown): void {
    if (typeof thinking === "string" && thinking !== "") {
      this.#scope.blocks.text(this.#open(), "reasoningText", thinking);
    }
    if (typeof signature === "string" && signature !== "") {
      this.#open();
      this.#signature = signature;
    }
  }

  #open(): number {
    // Newer models show summaries, older ones the reasoning itself; the wire does not tell which.
    if (this.#block < 0) this.#block = this.#scope.blocks.open(reasoningOf(ReasoningVisibility.UNSPECIFIED));
    return this.#block;
  }
}

/** Reasoning that the provider withholds: nothing but state. */
export class RedactedReader implements BlockReader {
  readonly #scope: BlockScope;
  readonly #block: number;

  constructor(scope: BlockScope, start: BlockStart) {
    this.#scope = scope;
    const { blocks, target } = scope;
    this.#block = blocks.open(reasoningOf(ReasoningVisibility.REDACTED));
    const { data } = start.block;
    if (typeof data === "string" && data !== "") {
      blocks.delta(this.#block, { case: "state", value: stateOf(target, REDACTED_FORMAT, data) });
    }
  }

  take(): boolean {
    return false;
  }

  finish(): void {
    this.#scope.blocks.close(this.#block);
  }
}

function reasoningOf(visibility: ReasoningVisibility): Part {
  return create(PartSchema, { kind: { case: "reasoning", value: { visibility } } });
}
