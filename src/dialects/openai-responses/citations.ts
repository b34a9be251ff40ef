import { create } from "@bufbuild/protobuf";
import { CitationSchema, OffsetUnit, type Citation } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import type { OpenAiResponsesSettings } from "./settings.ts";
import type { Annotation } from "./wire.ts";

/**
 * A citation of a text. Files are named with their provider; what the contract has no place for stands in the
 * provider's own JSON. The `index` of a file's citation is left there: documents and answers disagree on its meaning.
 */
export function citationOf(wire: Annotation, settings: OpenAiResponsesSettings, target: DialectTarget): Citation {
  const { start_index: start, end_index: end } = wire;
  // Files that the text does not name stand at 0 to 0.
  const placed = isOffset(start) && isOffset(end) && end > start;
  const isFile = typeof wire.file_id === "string" && wire.file_id !== "";
  return create(CitationSchema, {
    ...optionalText("url", wire.url),
    ...optionalText("title", wire.title ?? wire.filename),
    ...(isFile ? { file: { provider: target.provider, id: wire.file_id ?? "" } } : {}),
    ...(placed ? { outputStart: start, outputEnd: end, offsetUnit: unitOf(settings) } : {}),
    ...(wire.type === "url_citation" ? {} : { nativeJson: JSON.stringify(wire) }),
  });
}

/** Whether the codec knows the kind of annotation. */
export function isKnownAnnotation({ type }: Annotation): boolean {
  return (
    type === "url_citation" || type === "file_citation" || type === "container_file_citation" || type === "file_path"
  );
}

function optionalText<Name extends string>(name: Name, value: unknown): Partial<Record<Name, string>> {
  return typeof value === "string" && value !== "" ? ({ [name]: value } as Record<Name, string>) : {};
}

function isOffset(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}

function unitOf(settings: OpenAiResponsesSettings): OffsetUnit {
  return settings.citation_offsets === "utf16" ? OffsetUnit.UTF16 : OffsetUnit.CODE_POINTS;
}
