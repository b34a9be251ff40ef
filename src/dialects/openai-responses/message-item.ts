import { create } from "@bufbuild/protobuf";
import { OpaquePartSchema, OriginSchema, PartSchema, TextPhase, refusalPart, textPart } from "../../contract/index.ts";
import { tokenLogprobs } from "../token-logprobs.ts";
import { citationOf, isKnownAnnotation } from "./citations.ts";
import { wordSet } from "../drift.ts";
import { identify, keepMembers, missingRest, tooMany, type ItemContext, type ItemReader } from "./item-context.ts";
import { CONTENT_MEMBERS } from "./known-members.ts";
import { originOf } from "./provider-state.ts";
import type { Annotation, ContentPart, Nullable, OutputItem, ResponseEvent } from "./wire.ts";

const MAX_PIECES = 1024;
const MODELLED = wordSet("id type status role content phase created_by");

interface Piece {
  kind: "text" | "refusal";
  /** -1 until the block is open, which it is from the first content on. */
  block: number;
  received: string;
  annotations: number;
  hasLogprobs: boolean;
}

/** A message of the model: texts and refusals, each piece a block. */
export class MessageItem implements ItemReader {
  readonly isCall = false;
  readonly #context: ItemContext;
  readonly #pieces = new Map<number, Piece>();
  readonly #kept = new Set<number>();
  #item: OutputItem;
  #isRefusal = false;

  constructor(context: ItemContext, item: OutputItem) {
    this.#context = context;
    this.#item = item;
  }

  get isRefusal(): boolean {
    return this.#isRefusal;
  }

  take(type: string, event: ResponseEvent): void {
    const index = event.content_index ?? 0;
    switch (type) {
      case "response.output_text.delta":
        if (typeof event.delta === "string") this.#append(this.#piece(index, "text"), event.delta, event.logprobs);
        return;
      case "response.refusal.delta":
        if (typeof event.delta === "string") this.#append(this.#piece(index, "refusal"), event.delta, event.logprobs);
        return;
      case "response.output_text.done":
        this.#complete(this.#piece(index, "text"), event.text, event.logprobs);
        return;
      case "response.refusal.done":
        this.#complete(this.#piece(index, "refusal"), event.refusal, undefined);
        return;
      case "response.output_text.annotation.added":
        if (event.annotation) this.#cite(this.#piece(index, "text"), event.annotation, event.annotation_index);
        return;
      case "response.content_part.added":
        if (event.part && isText(event.part)) this.#takePart(index, event.part);
        return;
      case "response.content_part.done":
        if (event.part) this.#takePart(index, event.part);
        return;
      default:
        return;
    }
  }

  finish(item: OutputItem): void {
    this.#item = { ...this.#item, ...item };
    const content: readonly ContentPart[] = Array.isArray(item.content) ? item.content : [];
    for (const [index, part] of content.entries()) {
      if (part) this.#takePart(index, part);
    }
    let isFirst = true;
    for (const { block } of this.#pieces.values()) {
      if (block < 0) continue;
      const part = this.#context.blocks.part(block);
      identify(part, this.#item);
      if (part.kind.case === "text") part.kind.value.phase = this.#phase();
      if (isFirst) keepMembers(this.#context, block, this.#item, MODELLED);
      isFirst = false;
      this.#context.blocks.close(block);
    }
  }

  #piece(index: number, kind: Piece["kind"]): Piece {
    let piece = this.#pieces.get(index);
    if (!piece) {
      if (this.#pieces.size >= MAX_PIECES) throw tooMany(this.#context, "pieces in a message", MAX_PIECES);
      piece = { kind, block: -1, received: "", annotations: 0, hasLogprobs: false };
      this.#pieces.set(index, piece);
    }
    return piece;
  }

  #takePart(index: number, part: ContentPart): void {
    if (!isText(part)) {
      this.#keep(index, part);
      return;
    }
    this.#context.drift.members(part, CONTENT_MEMBERS, "output[].content[].");
    if (part.type === "refusal") {
      this.#complete(this.#piece(index, "refusal"), part.refusal, part.logprobs);
      return;
    }
    const piece = this.#piece(index, "text");
    this.#complete(piece, part.text, part.logprobs);
    const annotations: readonly Annotation[] = Array.isArray(part.annotations) ? part.annotations : [];
    for (const [place, annotation] of annotations.entries()) this.#cite(piece, annotation, place);
  }

  #append(piece: Piece, text: string, logprobs: unknown): void {
    const probabilities = tokenLogprobs(logprobs);
    if (text === "" && probabilities.length === 0) return;
    piece.received += text;
    if (probabilities.length > 0) piece.hasLogprobs = true;
    this.#context.blocks.text(this.#open(piece), piece.kind, text, probabilities);
  }

  #complete(piece: Piece, whole: Nullable<string>, logprobs: unknown): void {
    if (typeof whole !== "string") return;
    const rest = missingRest(piece.received, whole);
    // What was delivered stays; that the two differ is worth knowing.
    if (rest === undefined) this.#context.drift.note("output[].content[].text differs from its deltas");
    this.#append(piece, rest ?? "", piece.hasLogprobs ? undefined : logprobs);
  }

  #cite(piece: Piece, annotation: Annotation, place: Nullable<number>): void {
    // Each annotation comes as an event, with its piece and with the whole item.
    if (typeof place === "number" && place < piece.annotations) return;
    piece.annotations += 1;
    const { rules, target, blocks, drift } = this.#context;
    if (!isKnownAnnotation(annotation)) drift.note(`annotations[].type=${String(annotation.type)}`);
    blocks.delta(this.#open(piece), { case: "citation", value: citationOf(annotation, rules.settings, target) });
  }

  #open(piece: Piece): number {
    if (piece.block >= 0) return piece.block;
    const part = piece.kind === "text" ? textPart("") : refusalPart("");
    identify(part, this.#item);
    if (part.kind.case === "text") part.kind.value.phase = this.#phase();
    else this.#isRefusal = true;
    piece.block = this.#context.blocks.open(part);
    return piece.block;
  }

  #phase(): TextPhase {
    const { phase } = this.#item;
    if (phase === "commentary") return TextPhase.COMMENTARY;
    if (phase === "final_answer") return TextPhase.FINAL_ANSWER;
    if (phase !== undefined && phase !== null) this.#context.drift.note(`output[].phase=${String(phase)}`);
    return TextPhase.UNSPECIFIED;
  }

  // A kind of content that nobody knows yet is kept for whoever reads the answer.
  #keep(index: number, part: ContentPart): void {
    if (this.#kept.has(index)) return;
    this.#kept.add(index);
    const { target, drift, blocks } = this.#context;
    drift.note(`output[].content[].type=${String(part.type)}`);
    const opaque = create(OpaquePartSchema, {
      origin: create(OriginSchema, originOf(target)),
      nativeType: String(part.type ?? "").slice(0, 256),
      json: JSON.stringify(part),
    });
    blocks.whole(create(PartSchema, { kind: { case: "opaque", value: opaque } }));
  }
}

function isText({ type }: ContentPart): boolean {
  return type === "output_text" || type === "text" || type === "refusal";
}
