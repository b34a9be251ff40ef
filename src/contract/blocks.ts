import {
  Executor,
  ReasoningVisibility,
  TextPhase,
  type Citation,
  type OpaqueState,
  type Part,
  type TokenLogprob,
} from "./gen/parley/v1/part_pb.ts";
import type { BlockDelta, StreamEvent } from "./gen/parley/v1/stream_pb.ts";
import { blockDelta, blockFinished, blockStarted } from "./events.ts";

/**
 * Writes the blocks of one answer: numbers them, emits their events, and keeps what was said so that each
 * `block_finished` carries its whole part. Every dialect's stream decoder writes through one of these.
 */
export class BlockWriter {
  // Nearly every answer has one candidate: a map is made for others only.
  #first: OpenBlock[] | undefined;
  #others: Map<number, OpenBlock[]> | undefined;

  /** Opens a block and returns its number. `part` is what is known of it so far. */
  open(out: StreamEvent[], candidate: number, part: Part): number {
    const blocks = this.#blocksOf(candidate) ?? this.#begin(candidate);
    const block = blocks.length;
    blocks.push({ part: clonePart(part), open: true, mediaChunks: [] });
    out.push(blockStarted(candidate, block, part));
    return block;
  }

  /** Appends to an open block. Throws `RangeError` where there is none: a defect of the decoder. */
  append(
    out: StreamEvent[],
    candidate: number,
    block: number,
    delta: BlockDelta["delta"],
    logprobs: TokenLogprob[] = [],
    piece = 0,
  ): void {
    const state = this.#find(candidate, block);
    appendToPart(state, delta, piece);
    if (logprobs.length > 0 && state.part.kind.case === "text") state.part.kind.value.logprobs.push(...logprobs);
    out.push(blockDelta(candidate, block, delta, piece, logprobs));
  }

  /** The part of a block as far as it is written; decoders may complete it (ids, flags) before they close it. */
  part(candidate: number, block: number): Part {
    return this.#find(candidate, block).part;
  }

  /** Closes a block. Closing it twice does nothing. */
  close(out: StreamEvent[], candidate: number, block: number): void {
    const state = this.#blocksOf(candidate)?.[block];
    if (!state?.open) return;
    state.open = false;
    sealPart(state);
    out.push(blockFinished(candidate, block, state.part));
  }

  /** Closes every open block of a candidate, or of all, in order. */
  closeAll(out: StreamEvent[], candidate?: number): void {
    if (candidate !== undefined) return this.#closeBlocks(out, candidate);
    this.#closeBlocks(out, 0);
    for (const index of this.#others?.keys() ?? []) this.#closeBlocks(out, index);
  }

  /** Writes a whole part that needs no deltas: opens and closes it. */
  whole(out: StreamEvent[], candidate: number, part: Part): number {
    const block = this.open(out, candidate, part);
    this.close(out, candidate, block);
    return block;
  }

  #closeBlocks(out: StreamEvent[], candidate: number): void {
    const count = this.#blocksOf(candidate)?.length ?? 0;
    for (let block = 0; block < count; block++) this.close(out, candidate, block);
  }

  #blocksOf(candidate: number): OpenBlock[] | undefined {
    return candidate === 0 ? this.#first : this.#others?.get(candidate);
  }

  #begin(candidate: number): OpenBlock[] {
    const blocks: OpenBlock[] = [];
    if (candidate === 0) this.#first = blocks;
    else (this.#others ??= new Map()).set(candidate, blocks);
    return blocks;
  }

  #find(candidate: number, block: number): OpenBlock {
    const state = this.#blocksOf(candidate)?.[block];
    if (!state?.open) throw new RangeError(`Cannot append to block ${block} of candidate ${candidate}: it is not open`);
    return state;
  }
}

interface OpenBlock {
  readonly part: Part;
  open: boolean;
  readonly mediaChunks: Uint8Array[];
}

// A shallow copy per level: the started event keeps the part as it was then.
function clonePart(part: Part): Part {
  const copy = { ...part, state: [...part.state], kind: { ...part.kind } } as Part;
  if (copy.kind.value) copy.kind.value = { ...copy.kind.value } as never;
  if (copy.kind.case === "text") {
    copy.kind.value.citations = [...copy.kind.value.citations];
    copy.kind.value.logprobs = [...copy.kind.value.logprobs];
  }
  if (copy.kind.case === "reasoning") {
    copy.kind.value.text = [...copy.kind.value.text];
    copy.kind.value.summary = [...copy.kind.value.summary];
  }
  return copy;
}

function appendToPart(state: OpenBlock, delta: BlockDelta["delta"], piece: number): void {
  const kind = state.part.kind;
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
    case "toolText":
      if (kind.case === "toolCall") appendToolInput(kind.value, delta);
      return;
    case "transcript":
      if (kind.case === "media") kind.value.transcript = (kind.value.transcript ?? "") + delta.value;
      return;
    case "media":
      state.mediaChunks.push(delta.value);
      return;
    case "citation":
      if (kind.case === "text") kind.value.citations.push(delta.value satisfies Citation);
      return;
    case "state":
      state.part.state.push(delta.value satisfies OpaqueState);
      return;
    default:
      return;
  }
}

function appendPiece(pieces: string[], piece: number, text: string): void {
  while (pieces.length <= piece) pieces.push("");
  pieces[piece] += text;
}

function appendToolInput(
  call: Extract<Part["kind"], { case: "toolCall" }>["value"],
  delta: Extract<BlockDelta["delta"], { case: "argumentsJson" | "toolText" }>,
): void {
  const inputCase = delta.case === "toolText" ? "text" : "argumentsJson";
  const before = call.input.case === inputCase ? call.input.value : "";
  call.input = { case: inputCase, value: before + delta.value };
}

function sealPart(state: OpenBlock): void {
  const kind = state.part.kind;
  if (kind.case === "toolCall" && kind.value.input.case === "argumentsJson") {
    // Some providers write nothing for a call without arguments.
    kind.value.argumentsInvalid = kind.value.input.value !== "" && !isJson(kind.value.input.value);
  }
  if (kind.case === "media" && state.mediaChunks.length > 0) {
    kind.value.source = { case: "inline", value: concat(state.mediaChunks) };
  }
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** Whether a text is JSON. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A text part. */
export function textPart(text: string): Part {
  const value = {
    $typeName: "parley.v1.TextPart" as const,
    text,
    citations: [],
    logprobs: [],
    phase: TextPhase.UNSPECIFIED,
  };
  return partOf({ case: "text", value });
}

/** A reasoning part with its text in one piece; empty text makes an empty part to append to. */
export function reasoningPart(text: string): Part {
  const visibility = ReasoningVisibility.FULL;
  const value = {
    $typeName: "parley.v1.ReasoningPart" as const,
    text: text === "" ? [] : [text],
    summary: [],
    visibility,
  };
  return partOf({ case: "reasoning", value });
}

/** A refusal part. */
export function refusalPart(text: string): Part {
  return partOf({ case: "refusal", value: { $typeName: "parley.v1.RefusalPart", text } });
}

/** A call of a function by name, its arguments as JSON text exactly as written. */
export function toolCallPart(callId: string, name: string, argumentsJson: string): Part {
  return partOf({
    case: "toolCall",
    value: {
      $typeName: "parley.v1.ToolCallPart",
      callId,
      name,
      input: { case: "argumentsJson", value: argumentsJson },
      argumentsInvalid: argumentsJson !== "" && !isJson(argumentsJson),
      executor: Executor.UNSPECIFIED,
    },
  });
}

function partOf(kind: Part["kind"]): Part {
  return { $typeName: "parley.v1.Part", kind, state: [] };
}
