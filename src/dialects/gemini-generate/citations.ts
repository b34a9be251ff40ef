import { create } from "@bufbuild/protobuf";
import { CitationSchema, OffsetUnit, type Citation } from "../../contract/index.ts";
import type { CitationSource, GroundingChunk, GroundingMetadata, GroundingSource, Nullable, Segment } from "./wire.ts";

/** A block of the answer's text, as far as citations need it. */
export interface CitedText {
  readonly block: number;
  readonly text: string;
}

/** A citation and the block that it belongs to. */
export interface PlacedCitation {
  readonly block: number;
  readonly citation: Citation;
}

interface Sized {
  readonly block: number;
  readonly bytes: Buffer;
}

const NEARBY_BYTES = 64;

interface Place {
  readonly block: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The citations that a grounded answer tells of: one per statement and source, and one without a place for each source
 * that no statement names.
 */
export function groundingCitations(metadata: GroundingMetadata, texts: readonly CitedText[]): PlacedCitation[] {
  const chunks: readonly GroundingChunk[] = Array.isArray(metadata.groundingChunks) ? metadata.groundingChunks : [];
  const supports = Array.isArray(metadata.groundingSupports) ? metadata.groundingSupports : [];
  const sized = sizedTexts(texts);
  const last = sized.at(-1);
  if (!last) return [];
  const used = new Set<number>();
  const placed: PlacedCitation[] = [];
  for (const { segment, groundingChunkIndices: indices } of supports) {
    const place = segment ? placeOf(segment, sized) : undefined;
    for (const index of Array.isArray(indices) ? indices : []) {
      const chunk = chunks[index];
      if (!chunk) continue;
      used.add(index);
      placed.push({
        block: place?.block ?? last.block,
        citation: create(CitationSchema, { ...sourceOf(chunk, index), ...offsets(place) }),
      });
    }
  }
  for (const [index, chunk] of chunks.entries()) {
    if (!used.has(index)) placed.push({ block: last.block, citation: create(CitationSchema, sourceOf(chunk, index)) });
  }
  return placed;
}

/** The citations of protected text that the answer recites. */
export function recitationCitations(sources: readonly CitationSource[], texts: readonly CitedText[]): PlacedCitation[] {
  const sized = sizedTexts(texts);
  const last = sized.at(-1);
  if (!last) return [];
  return sources.map((source) => {
    const place = placeOf(source, sized);
    const fields = { ...optionalText("url", source.uri), ...optionalText("title", source.title), ...offsets(place) };
    return {
      block: place?.block ?? last.block,
      citation: create(CitationSchema, { ...fields, nativeJson: JSON.stringify(source) }),
    };
  });
}

function sourceOf(chunk: GroundingChunk, index: number) {
  const source: GroundingSource = chunk.web ?? chunk.retrievedContext ?? chunk.maps ?? chunk.image ?? {};
  return {
    ...optionalText("url", source.uri ?? source.sourceUri),
    ...optionalText("title", source.title),
    ...optionalText("citedText", source.text),
    sourceIds: [String(index)],
    // A page is told whole by the members above.
    ...(chunk.web ? {} : { nativeJson: JSON.stringify(chunk) }),
  };
}

function offsets(place: Place | undefined) {
  if (!place) return {};
  return { outputStart: place.start, outputEnd: place.end, offsetUnit: OffsetUnit.UTF8_BYTES };
}

/**
 * Where a stretch of the answer lies. Offsets count from the start of a part, but the index of that part is not to be
 * relied on, streams cut parts, and recorded offsets miss by a few bytes: the stretch's own words tell. Without them, or
 * where they are nowhere, offsets count over the whole answer.
 */
function placeOf(segment: Segment, texts: readonly Sized[]): Place | undefined {
  const start = segment.startIndex ?? 0;
  const { endIndex: end, text } = segment;
  if (!isOffset(start) || !isOffset(end) || end <= start) return undefined;
  const words = typeof text === "string" && text !== "" ? Buffer.from(text, "utf8") : undefined;
  return (
    (words && (placeOfWords(words, start, texts, true) ?? placeOfWords(words, start, texts, false))) ??
    placeOver(start, end, texts)
  );
}

// At the very offset of a block or of the whole answer; else where the words come next after it or at all.
function placeOfWords(words: Buffer, start: number, texts: readonly Sized[], exact: boolean): Place | undefined {
  let before = 0;
  for (const { block, bytes } of texts) {
    for (const from of [start, start - before]) {
      if (from < 0) continue;
      const near = bytes.indexOf(words, exact ? from : Math.max(0, from - NEARBY_BYTES));
      const at = near < 0 && !exact ? bytes.indexOf(words) : near;
      if (at === from || (!exact && at >= 0)) return { block, start: at, end: at + words.length };
    }
    before += bytes.length;
  }
  return undefined;
}

function placeOver(start: number, end: number, texts: readonly Sized[]): Place | undefined {
  let before = 0;
  for (const { block, bytes } of texts) {
    if (start >= before && end <= before + bytes.length) return { block, start: start - before, end: end - before };
    before += bytes.length;
  }
  return undefined;
}

function sizedTexts(texts: readonly CitedText[]): Sized[] {
  return texts.map(({ block, text }) => ({ block, bytes: Buffer.from(text, "utf8") }));
}

function optionalText<Name extends string>(name: Name, value: Nullable<string>): Partial<Record<Name, string>> {
  return typeof value === "string" && value !== "" ? ({ [name]: value } as Record<Name, string>) : {};
}

function isOffset(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
