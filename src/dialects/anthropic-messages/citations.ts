import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { CitationSchema, OffsetUnit, type Citation } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import type { Drift } from "../drift.ts";
import { CITATION_FORMAT, stateOf } from "./provider-state.ts";
import type { Nullable, ReceivedCitation } from "./wire.ts";

type CitationInit = Exclude<MessageInitShape<typeof CitationSchema>, { $typeName: string }>;

/** A citation of the block's whole text. `json` is the citation as received, which a later turn sends back. */
export function citationOf(wire: ReceivedCitation, json: string, target: DialectTarget, drift: Drift): Citation {
  const shared = { ...optionalText("citedText", wire.cited_text), nativeJson: json };
  switch (wire.type) {
    case "char_location":
      return create(CitationSchema, {
        ...shared,
        ...documentOf(wire, target),
        ...placeOf("char", wire.start_char_index, wire.end_char_index),
        offsetUnit: OffsetUnit.CODE_POINTS,
      });
    case "page_location":
      return create(CitationSchema, {
        ...shared,
        ...documentOf(wire, target),
        ...placeOf("page", wire.start_page_number, wire.end_page_number),
      });
    case "content_block_location":
      return create(CitationSchema, {
        ...shared,
        ...documentOf(wire, target),
        ...placeOf("block", wire.start_block_index, wire.end_block_index),
      });
    case "search_result_location":
      return create(CitationSchema, {
        ...shared,
        ...optionalText("url", wire.source),
        ...optionalText("title", wire.title),
        ...placeOf("block", wire.start_block_index, wire.end_block_index),
        sourceIds: isCount(wire.search_result_index) ? [String(wire.search_result_index)] : [],
      });
    case "web_search_result_location":
      return create(CitationSchema, {
        ...shared,
        ...optionalText("url", wire.url),
        ...optionalText("title", wire.title),
        state: isText(wire.encrypted_index) ? [stateOf(target, CITATION_FORMAT, wire.encrypted_index)] : [],
      });
    default:
      drift.note(`content[].citations[].type=${String(wire.type)}`);
      return create(CitationSchema, shared);
  }
}

function documentOf(wire: ReceivedCitation, target: DialectTarget): CitationInit {
  return {
    ...optionalText("title", wire.document_title),
    ...(isCount(wire.document_index) ? { documentIndex: wire.document_index } : {}),
    ...(isText(wire.file_id) ? { file: { provider: target.provider, id: wire.file_id } } : {}),
  };
}

function placeOf(unit: string, start: Nullable<number>, end: Nullable<number>): CitationInit {
  return {
    sourceUnit: unit,
    ...(isCount(start) ? { sourceStart: start } : {}),
    ...(isCount(end) ? { sourceEnd: end } : {}),
  };
}

function optionalText<Name extends string>(name: Name, value: unknown): Partial<Record<Name, string>> {
  return isText(value) ? ({ [name]: value } as Record<Name, string>) : {};
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
