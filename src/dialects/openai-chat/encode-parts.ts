import { Modality, type MediaPart, type Part, type SearchResultPart } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { cacheControl, cacheLifetime } from "./encode-extras.ts";
import { DIALECT_ID, type EncodeContext, type Unsupported, type WireObject } from "./encode-context.ts";
import { objectOf } from "../json-field.ts";
import { noteLostFacts, type MediaFact } from "../media-facts.ts";
import type { DialectTarget } from "../dialect.ts";
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
  const { source } = media;
  // A document's text goes out as text, for which no ability is needed.
  if (source.case === "text") return;
  const refusal =
    media.modality === Modality.VIDEO
      ? rules.extensionRefusal("messages.parts.media", capability)
      : rules.refusal("messages.parts.media", capability);
  if (refusal) found.capability(`${field}.media`, refusal.reason);
  if (source.case === "file") {
    const { provider } = source.value;
    if (provider !== undefined && provider !== target.provider) {
      found.parameter(`${field}.media.file`, `the file is stored at ${provider}, the target is at ${target.provider}`);
    } else if (media.modality !== Modality.DOCUMENT) {
      found.parameter(`${field}.media.file`, "the wire format takes ids of documents only");
    }
  } else if (source.case === "url") findUnsupportedAddress(media, `${field}.media.url`, rules, found);
}

function findUnsupportedAddress({ modality }: MediaPart, field: string, rules: TargetRules, found: Unsupported): void {
  const refusal = rules.refusal("messages.parts.media.url");
  if (refusal) found.parameter(field, refusal.reason);
  else if (modality === Modality.AUDIO || (modality === Modality.DOCUMENT && rules.settings.document_part === "file")) {
    found.parameter(field, "the wire format takes sounds and documents as bytes only");
  }
}

const EPHEMERAL_SECONDS = 300;

/** A part of a user's message or of a tool's result on the wire; undefined where nothing of it can be sent. */
export function wireContentPart(part: Part, field: string, context: EncodeContext): WireObject | undefined {
  const content = contentOf(part, field, context);
  if (!content || !part.cacheBreakpoint) return content;
  const { rules, adaptations } = context;
  if (!rules.settings.cache_breakpoints) {
    const reason = "the provider is not known to take cache marks in this wire format";
    adaptations.addPart(`${field}.cache_breakpoint`, undefined, reason);
    return content;
  }
  const { ttlSeconds } = part.cacheBreakpoint;
  if (rules.settings.cache_mark === "cache_control") {
    content["cache_control"] = cacheControl(ttlSeconds, `${field}.cache_breakpoint`, adaptations);
    return content;
  }
  if (rules.settings.cache_mark === "ephemeral") {
    content["cache_control"] = { type: "ephemeral" };
    if (ttlSeconds !== undefined && ttlSeconds !== EPHEMERAL_SECONDS) {
      const reason = "the provider keeps caches for five minutes";
      adaptations.addPart(`${field}.cache_breakpoint.ttl_seconds`, EPHEMERAL_SECONDS, reason);
    }
    return content;
  }
  const lifetime = ttlSeconds === undefined ? undefined : cacheLifetime(ttlSeconds);
  if (lifetime && lifetime.seconds !== ttlSeconds) {
    const reason = "the provider keeps caches for fixed times; this one is nearest";
    adaptations.addPart(`${field}.cache_breakpoint.ttl_seconds`, lifetime.seconds, reason);
  }
  content["prompt_cache_breakpoint"] = { mode: "explicit", ttl: lifetime?.word };
  return content;
}

/** A text alone as a string, which every server takes; anything else as a list. */
export function wireContent(parts: readonly WireObject[]): string | readonly WireObject[] {
  const [only] = parts;
  if (!only) return "";
  const isMarked = only["prompt_cache_breakpoint"] !== undefined || only["cache_control"] !== undefined;
  const isBareText = parts.length === 1 && only["type"] === "text" && !isMarked;
  return isBareText ? (only["text"] as string) : parts;
}

function contentOf(part: Part, field: string, context: EncodeContext): WireObject | undefined {
  const { kind } = part;
  switch (kind.case) {
    case "text":
      return { type: "text", text: kind.value.text };
    case "media":
      return wireMedia(kind.value, field, context);
    case "searchResult": {
      const reason = "the wire format has no search results; it is sent as text, which cannot be cited by place";
      context.adaptations.addPart(field, undefined, reason);
      return { type: "text", text: searchResultText(kind.value) };
    }
    case "opaque":
      if (kind.value.origin?.dialect !== DIALECT_ID) return undefined;
      return objectOf(kind.value.json, `${field}.opaque.json`) as unknown as WireObject;
    default:
      return undefined;
  }
}

function wireMedia(media: MediaPart, field: string, context: EncodeContext): WireObject {
  const { source, detail } = media;
  if (source.case === "text") {
    const reason = "the wire format has no documents of text; it is sent as plain text";
    context.adaptations.addPart(field, undefined, reason);
    noteLostFacts(media, field, media.title === undefined ? ["filename"] : ["title"], context.adaptations);
    const heading = media.title ?? media.filename;
    return { type: "text", text: heading === undefined ? source.value : `${heading}\n\n${source.value}` };
  }
  noteLostFacts(media, field, carriedFacts(media), context.adaptations);
  switch (media.modality) {
    case Modality.IMAGE:
      return {
        type: "image_url",
        image_url: { url: address(media, field), detail: wireDetail(detail, field, context) },
      };
    case Modality.AUDIO:
      if (context.rules.settings.audio_part === "data") return { type: "input_audio", input_audio: base64(media) };
      return { type: "input_audio", input_audio: { data: base64(media), format: audioFormat(media, field) } };
    case Modality.VIDEO:
      return { type: "video_url", video_url: { url: address(media, field) } };
    default:
      return wireDocument(media, field, context.rules.settings.document_part);
  }
}

function carriedFacts({ modality, source }: MediaPart): MediaFact[] {
  if (modality === Modality.IMAGE) return ["detail"];
  return modality === Modality.DOCUMENT && source.case !== "file" ? ["filename"] : [];
}

function wireDocument(media: MediaPart, field: string, style: string): WireObject {
  const { source, filename } = media;
  if (style === "document_url") {
    if (source.case === "file") return { type: "file", file_id: source.value.id };
    return { type: "document_url", document_url: address(media, field), document_name: filename };
  }
  if (source.case === "file") return { type: "file", file: { file_id: source.value.id } };
  return { type: "file", file: { filename: filename ?? "document", file_data: address(media, field) } };
}

function wireDetail(detail: string | undefined, field: string, context: EncodeContext): string | undefined {
  const refusal = detail === undefined ? undefined : context.rules.refusal("messages.parts.media.detail");
  if (!refusal) return detail;
  context.adaptations.addPart(`${field}.media.detail`, undefined, refusal.reason, refusal.quirkId);
  return undefined;
}

function address(media: MediaPart, field: string): string {
  if (media.source.case === "url") return media.source.value;
  return `data:${mimeType(media, field)};base64,${base64(media)}`;
}

function base64({ source }: MediaPart): string {
  if (source.case !== "inline") return "";
  const { buffer, byteOffset, byteLength } = source.value;
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function mimeType({ mimeType: type }: MediaPart, field: string): string {
  if (type !== undefined) return type;
  throw new ParleyError("INVALID_REQUEST", `Cannot send ${field}.media: inline bytes need mime_type`, {
    field: `${field}.media.mime_type`,
  });
}

const AUDIO_FORMATS: Readonly<Record<string, string>> = { wave: "wav", "vnd.wave": "wav", mpeg: "mp3" };

function audioFormat(media: MediaPart, field: string): string {
  const subtype = (mimeType(media, field).split("/")[1] ?? "").split(";")[0]?.replace(/^x-/, "").trim() ?? "";
  return AUDIO_FORMATS[subtype] ?? subtype;
}

function searchResultText({ title, source, content }: SearchResultPart): string {
  const texts = content.flatMap(({ kind }) => (kind.case === "text" ? [kind.value.text] : []));
  return [`${title} (${source})`, ...texts].join("\n\n");
}
