import { Modality, type MediaPart, type Part, type SearchResultPart } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { objectOf } from "../json-field.ts";
import { DIALECT_ID, type EncodeContext, type WireObject, type Unsupported } from "./encode-context.ts";
import type { TargetRules } from "./target-rules.ts";

const MEDIA_CAPABILITIES = {
  [Modality.IMAGE]: "image_input",
  [Modality.AUDIO]: "audio_input",
  [Modality.VIDEO]: "video_input",
  [Modality.DOCUMENT]: "document_input",
} as const;

/** Adds to `found` a medium that the wire format or the target cannot take. */
export function findUnsupportedMedia(
  media: MediaPart,
  field: string,
  target: DialectTarget,
  rules: TargetRules,
  found: Unsupported,
): void {
  const capability = MEDIA_CAPABILITIES[media.modality as keyof typeof MEDIA_CAPABILITIES];
  if (!capability) {
    found.parameter(field, "the medium has no modality");
    return;
  }
  if (media.citationsEnabled === true) {
    found.parameter(`${field}.media.citations_enabled`, "the wire format has no citations of documents");
  }
  const { source } = media;
  // A document's text is text, for which no ability is needed.
  if (source.case === "text") return;
  const refusal = rules.refusal("messages.parts.media", capability);
  if (refusal) found.capability(`${field}.media`, refusal.reason);
  if (source.case === "url") {
    const urlRefusal = rules.refusal("messages.parts.media.url");
    if (urlRefusal && !refusal) found.parameter(`${field}.media.url`, urlRefusal.reason);
  }
  if (source.case === "file" && source.value.provider !== undefined && source.value.provider !== target.provider) {
    const reason = `the file is stored at ${source.value.provider}, the target is at ${target.provider}`;
    found.parameter(`${field}.media.file`, reason);
  }
}

/** Tells of a cache mark, which this format has no place for. */
export function tellOfMark(part: Part, field: string, { adaptations }: EncodeContext): void {
  if (!part.cacheBreakpoint) return;
  adaptations.addPart(`${field}.cache_breakpoint`, undefined, "the provider caches by itself, without marks");
}

/** A part of a user's message or of a tool's result on the wire; undefined where nothing of it can be sent. */
export function wireContentPart(part: Part, field: string, context: EncodeContext): unknown {
  const { kind } = part;
  tellOfMark(part, field, context);
  switch (kind.case) {
    case "text":
      return kind.value.text === "" ? undefined : { text: kind.value.text };
    case "media":
      return wireMedia(kind.value, field, context);
    case "searchResult": {
      const reason = "the wire format has no search results; it is sent as text, which cannot be cited by place";
      context.adaptations.addPart(field, undefined, reason);
      return { text: searchResultText(kind.value) };
    }
    case "opaque":
      return kind.value.origin?.dialect === DIALECT_ID ? objectOf(kind.value.json, `${field}.opaque.json`) : undefined;
    default:
      return undefined;
  }
}

/** A medium on the wire: its bytes, or its address. */
export function wireMedia(media: MediaPart, field: string, context: EncodeContext): WireObject {
  const { source, mimeType } = media;
  const leaveOut = (name: string, value: string | undefined, reason: string): void => {
    if (value !== undefined) context.adaptations.addPart(`${field}.media.${name}`, undefined, reason);
  };
  leaveOut("detail", media.detail, "the wire format has one detail for all media of a request, in raw_params");
  leaveOut("title", media.title, "the wire format has no titles and names of media");
  leaveOut("filename", media.filename, "the wire format has no titles and names of media");
  switch (source.case) {
    case "url":
      return { fileData: { mimeType, fileUri: source.value } };
    case "file":
      return { fileData: { mimeType, fileUri: source.value.id } };
    case "text":
      return {
        inlineData: { mimeType: mimeType ?? "text/plain", data: Buffer.from(source.value, "utf8").toString("base64") },
      };
    default:
      if (mimeType === undefined) {
        throw new ParleyError("INVALID_REQUEST", `Cannot send ${field}.media: inline bytes need mime_type`, {
          field: `${field}.media.mime_type`,
        });
      }
      return { inlineData: { mimeType, data: base64Of(media) } };
  }
}

function base64Of({ source }: MediaPart): string {
  if (source.case !== "inline") return "";
  const { buffer, byteOffset, byteLength } = source.value;
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function searchResultText({ title, source, content }: SearchResultPart): string {
  const texts = content.flatMap(({ kind }) => (kind.case === "text" ? [kind.value.text] : []));
  return [`${title} (${source})`, ...texts].join("\n\n");
}
