import { clone, create } from "@bufbuild/protobuf";
import { PartSchema, type BlockDelta, type Part, type ToolCallPart } from "./contract.ts";

/** One block while it is written: what was said of it so far, replaced by the whole part when it finishes. */
export class OpenBlock {
  #part: Part;
  readonly #mediaChunks: Uint8Array[] = [];
  finished = false;

  /** `part` is the block's part as far as it is known; it is copied. */
  constructor(part: Part | undefined) {
    this.#part = part ? clone(PartSchema, part) : create(PartSchema);
  }

  /** The part so far. */
  get part(): Part {
    const { kind } = this.#part;
    if (kind.case === "media" && kind.value.source.case === undefined && this.#mediaChunks.length > 0) {
      kind.value.source = { case: "inline", value: concatenated(this.#mediaChunks) };
    }
    return this.#part;
  }

  /** Takes the whole part. */
  finish(part: Part): void {
    this.#part = part;
    this.#mediaChunks.length = 0;
    this.finished = true;
  }

  /** Appends a delta. One of a kind that this SDK does not know changes nothing. */
  append(delta: BlockDelta["delta"], piece: number): void {
    const { kind } = this.#part;
    switch (delta.case) {
      case "text":
        if (kind.case === "text") kind.value.text += delta.value;
        return;
      case "refusal":
        if (kind.case === "refusal") kind.value.text += delta.value;
        return;
      case "reasoningText":
        if (kind.case === "reasoning") appendPiece(kind.value.text, piece, delta.value);
        return;
      case "reasoningSummary":
        if (kind.case === "reasoning") appendPiece(kind.value.summary, piece, delta.value);
        return;
      case "argumentsJson":
        if (kind.case === "toolCall") appendInput(kind.value, "argumentsJson", delta.value);
        return;
      case "toolText":
        if (kind.case === "toolCall") appendInput(kind.value, "text", delta.value);
        return;
      case "transcript":
        if (kind.case === "media") kind.value.transcript = (kind.value.transcript ?? "") + delta.value;
        return;
      case "media":
        this.#mediaChunks.push(delta.value);
        return;
      case "citation":
        if (kind.case === "text") kind.value.citations.push(delta.value);
        return;
      case "state":
        this.#part.state.push(delta.value);
        return;
      default:
        return;
    }
  }
}

// A piece far beyond the last one continues the list, so that a broken stream cannot make it grow without end.
function appendPiece(pieces: string[], piece: number, text: string): void {
  const at = Math.min(piece, pieces.length);
  pieces[at] = (pieces[at] ?? "") + text;
}

function appendInput(call: ToolCallPart, inputCase: "argumentsJson" | "text", added: string): void {
  const before = call.input.case === inputCase ? call.input.value : "";
  call.input = { case: inputCase, value: before + added };
  // Until the block has finished nothing says that the arguments are whole.
  if (inputCase === "argumentsJson") call.argumentsInvalid = true;
}

function concatenated(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
