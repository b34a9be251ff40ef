import { create } from "@bufbuild/protobuf";
import { CitationSchema, OffsetUnit, type Citation } from "../../contract/index.ts";
import type { OpenAiChatSettings } from "./settings.ts";
import type { Annotation, AnswerFields, SearchResult } from "./wire.ts";

/** A citation of the message's text. What is not a `url_citation` is kept as the provider's own JSON. */
export function citationOf(annotation: Annotation, settings: OpenAiChatSettings): Citation {
  const wire = annotation.url_citation;
  if (!wire) return create(CitationSchema, { nativeJson: JSON.stringify(annotation) });
  const { start_index: start, end_index: end } = wire;
  // Vendors without offsets send two zeros.
  const placed = isOffset(start) && isOffset(end) && end > start;
  return create(CitationSchema, {
    ...optionalText("url", wire.url),
    ...optionalText("title", wire.title),
    ...optionalText("citedText", wire.content),
    ...(placed ? { outputStart: start, outputEnd: end, offsetUnit: unitOf(settings) } : {}),
  });
}

/** The sources that some vendors list beside the choices; the text names them by number, from 1. */
export function sourcesOf(answer: Pick<AnswerFields, "citations" | "search_results">): readonly Citation[] {
  const results: readonly SearchResult[] = Array.isArray(answer.search_results) ? answer.search_results : [];
  if (results.length > 0) {
    return results.map((result, index) =>
      create(CitationSchema, {
        ...optionalText("url", result.url),
        ...optionalText("title", result.title),
        ...optionalText("citedText", result.snippet),
        sourceIds: [String(index + 1)],
        nativeJson: JSON.stringify(result),
      }),
    );
  }
  const citations = Array.isArray(answer.citations) ? answer.citations : [];
  return citations.map((citation: unknown, index) =>
    create(CitationSchema, {
      sourceIds: [String(index + 1)],
      ...(typeof citation === "string" ? { url: citation } : { nativeJson: JSON.stringify(citation) }),
    }),
  );
}

function optionalText<Name extends string>(name: Name, value: unknown): Partial<Record<Name, string>> {
  return typeof value === "string" && value !== "" ? ({ [name]: value } as Record<Name, string>) : {};
}

function isOffset(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}

function unitOf(settings: OpenAiChatSettings): OffsetUnit {
  return settings.citation_offsets === "utf16" ? OffsetUnit.UTF16 : OffsetUnit.CODE_POINTS;
}
