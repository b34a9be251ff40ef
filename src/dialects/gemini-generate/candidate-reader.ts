import { create } from "@bufbuild/protobuf";
import {
  FinishReason,
  OpaquePartSchema,
  PartSchema,
  candidateFinished,
  type BlockWriter,
  type StreamEvent,
} from "../../contract/index.ts";
import { redact, shorten } from "../../errors/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { jsonText } from "../json-text.ts";
import type { JsonObjectTree } from "../json-tree.ts";
import { receivedObjects } from "../received-json.ts";
import { AnswerBlocks } from "../answer-blocks.ts";
import { groundingCitations, recitationCitations, type PlacedCitation } from "./citations.ts";
import { finishReason, finishWordOf } from "./finish-reason.ts";
import { tokenLogprobs } from "./logprobs.ts";
import { PartReader } from "./part-reader.ts";
import { CONTINUATION_FORMAT, originOf, stateOf } from "./provider-state.ts";
import { ToolCallBlocks } from "./tool-call-blocks.ts";
import type { Candidate, CitationSource, GroundingMetadata, SafetyRating } from "./wire.ts";

const MAX_METADATA = 16;
const MAX_CITATIONS = 1024;
const MAX_SENTENCE_CHARS = 512;

/** Where the text behind a candidate is found. */
export interface CandidateText {
  candidate(): JsonObjectTree;
  part(index: number): JsonObjectTree;
}

/** Reads one candidate: pieces of it, or the whole, become blocks. */
export class CandidateReader {
  readonly #index: number;
  readonly #target: DialectTarget;
  readonly #blocks: AnswerBlocks;
  readonly #calls: ToolCallBlocks;
  readonly #parts: PartReader;
  #finishWord: string | undefined;
  #finishMessage: string | undefined;
  #blockedBy: string | undefined;
  #continuationToken: string | undefined;
  readonly #groundings: GroundingMetadata[] = [];
  readonly #recitations: CitationSource[] = [];
  /** Word for word what the provider tells about the answer, by member. */
  readonly #metadata = new Map<string, Set<string>>();

  constructor(index: number, writer: BlockWriter, target: DialectTarget, newId: (prefix: string) => string) {
    this.#index = index;
    this.#target = target;
    this.#blocks = new AnswerBlocks(writer, index);
    this.#calls = new ToolCallBlocks(this.#blocks, newId, (format, text) => stateOf(target, format, text));
    this.#parts = new PartReader(this.#blocks, this.#calls, target, newId);
  }

  /** The provider's word for why the candidate ended; undefined until it was said. */
  get finishWord(): string | undefined {
    return this.#finishWord;
  }

  /** How many searches in the web the provider tells of. */
  get searches(): number {
    const queries = this.#groundings.flatMap(({ webSearchQueries: list }) => (Array.isArray(list) ? list : []));
    return new Set(queries.filter((query) => query !== "")).size;
  }

  /** Takes a candidate of an event, or of a whole answer, in. */
  take(candidate: Candidate, text: CandidateText, out: StreamEvent[]): void {
    this.#blocks.out = out;
    const parts = candidate.content?.parts;
    if (parts)
      for (const [index, part] of receivedObjects(parts).entries()) this.#parts.take(part, () => text.part(index));
    if (candidate.logprobsResult) this.#parts.takeLogprobs(tokenLogprobs(candidate.logprobsResult));
    const word = finishWordOf(candidate.finishReason);
    if (word !== undefined) this.#finishWord = word;
    if (typeof candidate.finishMessage === "string") this.#finishMessage = candidate.finishMessage;
    if (candidate.safetyRatings) this.#blockedBy = blockedCategories(candidate.safetyRatings);
    if (typeof candidate.continuationToken === "string") this.#continuationToken = candidate.continuationToken;
    if (candidate.citationMetadata) this.#takeRecitations(candidate.citationMetadata);
    if (candidate.groundingMetadata && this.#keep("groundingMetadata", text)) {
      this.#groundings.push(candidate.groundingMetadata);
    }
    if (candidate.urlContextMetadata) this.#keep("urlContextMetadata", text);
  }

  /** Ends the candidate: closes its blocks and says why it ended. */
  finish(out: StreamEvent[]): void {
    this.#blocks.out = out;
    this.#calls.flush();
    this.#cite();
    this.#writeMetadata();
    if (this.#continuationToken) {
      const state = [stateOf(this.#target, CONTINUATION_FORMAT, this.#continuationToken)];
      this.#blocks.whole(create(PartSchema, { state }));
    }
    this.#blocks.closeAll();
    const word = this.#finishWord ?? "";
    const reason = finishReason(word, this.#calls.count > 0);
    const category = reason === FinishReason.CONTENT_FILTER ? this.#blockedBy : undefined;
    out.push(
      candidateFinished(this.#index, reason, word.slice(0, 64), {
        ...(category === undefined ? {} : { category }),
        ...(this.#finishMessage ? { message: shorten(redact(this.#finishMessage), MAX_SENTENCE_CHARS) } : {}),
      }),
    );
  }

  #takeRecitations({ citationSources, citations }: NonNullable<Candidate["citationMetadata"]>): void {
    const known = new Set(this.#recitations.map((one) => JSON.stringify(one)));
    // Events may repeat what earlier ones told.
    for (const source of citationSources ?? citations ?? []) {
      if (this.#recitations.length < MAX_CITATIONS && !known.has(JSON.stringify(source)))
        this.#recitations.push(source);
    }
  }

  // Returns whether it is new: events may repeat what earlier ones told.
  #keep(member: string, text: CandidateText): boolean {
    const found = text.candidate().get(member);
    const json = found === undefined ? "" : jsonText(found);
    const kept = this.#metadata.get(member) ?? new Set<string>();
    this.#metadata.set(member, kept);
    if (json === "" || json === "{}" || kept.has(json) || kept.size >= MAX_METADATA) return false;
    kept.add(json);
    return true;
  }

  #cite(): void {
    const texts = this.#parts.texts();
    const placed: PlacedCitation[] = this.#groundings.flatMap((metadata) => groundingCitations(metadata, texts));
    placed.push(...recitationCitations(this.#recitations, texts));
    for (const { block, citation } of placed) this.#blocks.delta(block, { case: "citation", value: citation });
  }

  #writeMetadata(): void {
    for (const [nativeType, kept] of this.#metadata) {
      for (const json of kept) {
        const opaque = create(OpaquePartSchema, { origin: originOf(this.#target), nativeType, json });
        this.#blocks.whole(create(PartSchema, { kind: { case: "opaque", value: opaque } }));
      }
    }
  }
}

function blockedCategories(ratings: readonly SafetyRating[]): string | undefined {
  const names = ratings.flatMap(({ category, blocked }) => (blocked === true ? [String(category).slice(0, 64)] : []));
  return names.length > 0 ? names.join(", ") : undefined;
}
