import { Modality, type MediaPart, type Part, type SearchResultPart } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { objectOf } from "../json-field.ts";
import { objectMembers } from "../json-text.ts";
import { noteLostFacts } from "../media-facts.ts";
import type { UnsupportedFields } from "../refusals.ts";
import { FILES_BETA } from "./betas.ts";
import type { EncodeContext, WireObject } from "./encode-context.ts";
import type { TargetRules } from "./target-rules.ts";

const PLAIN_TEXT = "text/plain";

const PDF = "application/pdf";

/** Adds to `found` a medium that the wire format or the target cannot take. */
export function findUnsupportedMedia(
  media: MediaPart,
  field: string,
  target: DialectTarget,
  rules: TargetRules,
  found: UnsupportedFields,
): void {
  const { modality, source } = media;
  if (modality !== Modality.IMAGE && modality !== Modality.DOCUMENT) {
    found.capability(`${field}.media`, "the wire format takes images and documents only");
    return;
  }
  const capability = modality === Modality.IMAGE ? "image_input" : "document_input";
  const isText = modality === Modality.DOCUMENT && isPlainText(media);
  // A document's text goes out as text, for which no ability is needed.
  const refusal = isText ? undefined : rules.refusal("messages.parts.media", capability);
  if (refusal) found.capability(`${field}.media`, refusal.reason);
  if (source.case === "text" && modality === Modality.IMAGE) {
    found.parameter(`${field}.media.text`, "an image cannot be a text");
  } else if (source.case === "inline" && modality === Modality.DOCUMENT && !isText && mediaType(media) !== PDF) {
    found.parameter(`${field}.media.mime_type`, `the wire format takes documents of ${PDF} and of plain text only`);
  } else if (source.case === "url" && !refusal) {
    const addressRefusal = rules.refusal("messages.parts.media.url");
    if (addressRefusal) found.parameter(`${field}.media.url`, addressRefusal.reason);
  } else if (source.case === "file") {
    const { provider } = source.value;
    if (provider !== undefined && provider !== target.provider) {
      found.parameter(`${field}.media.file`, `the file is stored at ${provider}, the target is at ${target.provider}`);
    }
  }
}

/** Adds to `found` a search result with content that the wire format cannot take. */
export function findUnsupportedPassage(passage: SearchResultPart, field: string, found: UnsupportedFields): void {
  for (const [index, { kind }] of passage.content.entries()) {
    if (kind.case === "text") continue;
    found.parameter(`${field}.search_result.content[${index}]`, "the wire format takes text only in search results");
  }
}

/** A part of a message or of a tool's result on the wire; undefined where nothing of it can be sent. */
export function wireContentPart(part: Part, field: string, context: EncodeContext): WireObject | undefined {
  const content = contentOf(part, field, context);
  if (content) context.cacheMarks.add(content, part.cacheBreakpoint, `${field}.cache_breakpoint`);
  return content;
}

/** Text on the wire; undefined where it is blank, which the provider refuses. */
export function wireText(text: string, field: string, context: EncodeContext): WireObject | undefined {
  if (text.trim() !== "") return { type: "text", text };
  context.adaptations.addPart(field, undefined, "the provider takes no blank text; it was left out");
  return undefined;
}

/** A block as it was received: byte-exact, but for a mark that it is to carry. */
export function rawBlock({ cacheBreakpoint }: Part, json: string, field: string): WireObject {
  const object = objectOf(json, field);
  if (!cacheBreakpoint) return object as unknown as WireObject;
  return Object.fromEntries(objectMembers(object.text) ?? []);
}

function contentOf(part: Part, field: string, context: EncodeContext): WireObject | undefined {
  const { kind } = part;
  switch (kind.case) {
    case "text":
      return wireText(kind.value.text, field, context);
    case "media":
      return wireMedia(kind.value, field, context);
    case "searchResult":
      return wirePassage(kind.value, field, context);
    case "opaque":
      if (kind.value.nativeType === "container_upload") context.betas.add(FILES_BETA);
      return rawBlock(part, kind.value.json, `${field}.opaque.json`);
    default:
      return undefined;
  }
}

function wirePassage(passage: SearchResultPart, field: string, context: EncodeContext): WireObject {
  const { source, title, content, citationsEnabled } = passage;
  const texts = content.flatMap((piece, index) => {
    const path = `${field}.search_result.content[${index}]`;
    return wireContentPart(piece, path, context) ?? [];
  });
  return { type: "search_result", source, title, content: texts, citations: citationsOf(citationsEnabled) };
}

function wireMedia(media: MediaPart, field: string, context: EncodeContext): WireObject {
  if (media.source.case === "file") context.betas.add(FILES_BETA);
  if (media.modality === Modality.DOCUMENT) return wireDocument(media, field, context);
  noteLostFacts(media, field, [], context.adaptations);
  return { type: "image", source: wireSource(media, field) };
}

function wireDocument(media: MediaPart, field: string, context: EncodeContext): WireObject {
  const { title, filename, citationsEnabled } = media;
  if (title !== undefined && filename !== undefined) {
    const reason = "the wire format has a title for documents and no file name";
    context.adaptations.addPart(`${field}.media.filename`, undefined, reason);
  }
  noteLostFacts(media, field, ["title", "filename", "citationsEnabled"], context.adaptations);
  if (media.source.case === "text" && (mediaType(media) ?? PLAIN_TEXT) !== PLAIN_TEXT) {
    context.adaptations.addPart(
      `${field}.media.mime_type`,
      PLAIN_TEXT,
      "the wire format takes texts as plain text only",
    );
  }
  return {
    type: "document",
    source: wireSource(media, field),
    title: title ?? filename,
    citations: citationsOf(citationsEnabled),
  };
}

function citationsOf(enabled: boolean | undefined): WireObject | undefined {
  return enabled === undefined ? undefined : { enabled };
}

function wireSource(media: MediaPart, field: string): WireObject {
  const { source } = media;
  switch (source.case) {
    case "url":
      return { type: "url", url: source.value };
    case "file":
      return { type: "file", file_id: source.value.id };
    case "text":
      return { type: "text", media_type: "text/plain", data: source.value };
    case "inline":
      return wireInline(source.value, media, field);
    default:
      throw new ParleyError("INVALID_REQUEST", `Cannot send ${field}.media: it has no source`, {
        field: `${field}.media`,
      });
  }
}

function wireInline(bytes: Uint8Array, media: MediaPart, field: string): WireObject {
  const type = mediaType(media);
  if (type === undefined) {
    throw new ParleyError("INVALID_REQUEST", `Cannot send ${field}.media: inline bytes need mime_type`, {
      field: `${field}.media.mime_type`,
    });
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (media.modality === Modality.DOCUMENT && isPlainText(media)) {
    return { type: "text", media_type: PLAIN_TEXT, data: buffer.toString("utf8") };
  }
  return { type: "base64", media_type: type, data: buffer.toString("base64") };
}

function isPlainText(media: MediaPart): boolean {
  return media.source.case === "text" || (media.source.case === "inline" && mediaType(media) === PLAIN_TEXT);
}

// Without parameters such as a charset, which the wire has no place for.
function mediaType({ mimeType }: MediaPart): string | undefined {
  return mimeType?.split(";")[0]?.trim().toLowerCase();
}
