import { Modality, type MediaPart, type Part } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { objectOf } from "../json-field.ts";
import { noteLostFacts, type MediaFact } from "../media-facts.ts";
import { audioFormat, base64Of, mediaAddress, searchResultText } from "../media-source.ts";
import { cacheLifetime } from "./encode-extras.ts";
import { DIALECT_ID, type EncodeContext, type Unsupported, type WireObject } from "./encode-context.ts";
import type { TargetRules } from "./target-rules.ts";

const MEDIA_CAPABILITIES = {
  [Modality.IMAGE]: "image_input",
  [Modality.AUDIO]: "audio_input",
  [Modality.VIDEO]: "video_input",
  [Modality.DOCUMENT]: "document_input",
} as const;

/** Whether a type of the wire is one of content, which stands inside a message; other types are items. */
export function isContentType(type: string): boolean {
  return /^(input|output)_(text|image|file|audio|video)$/.test(type) || type === "refusal";
}

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
  const refusal = rules.refusal("messages.parts.media", capability);
  if (refusal) found.capability(`${field}.media`, refusal.reason);
  else if (media.modality === Modality.VIDEO)
    found.capability(`${field}.media`, "the wire format has no moving images");
  else if (media.modality === Modality.AUDIO) findUnsupportedSound(media, field, rules, found);
  if (source.case !== "file") return;
  const { provider } = source.value;
  if (provider !== undefined && provider !== target.provider) {
    found.parameter(`${field}.media.file`, `the file is stored at ${provider}, the target is at ${target.provider}`);
  }
}

function findUnsupportedSound(media: MediaPart, field: string, rules: TargetRules, found: Unsupported): void {
  if (!rules.settings.audio_input)
    found.capability(`${field}.media`, "the provider takes no sounds in this wire format");
  else if (media.source.case !== "inline") {
    found.parameter(`${field}.media.source`, "the wire format takes sounds as bytes only");
  }
}

/** A part of a message or of a tool's result on the wire; undefined where nothing of it can be sent. */
export function wireContentPart(part: Part, field: string, context: EncodeContext): WireObject | undefined {
  noteIgnored(context, part, field);
  const content = contentOf(part, field, context);
  if (!content || !part.cacheBreakpoint || !context.rules.settings.cache_breakpoints) return content;
  const { ttlSeconds } = part.cacheBreakpoint;
  const lifetime = ttlSeconds === undefined ? undefined : cacheLifetime(ttlSeconds);
  if (lifetime && lifetime.seconds !== ttlSeconds) {
    const reason = "the provider keeps caches for fixed times; this one is nearest";
    context.adaptations.addPart(`${field}.cache_breakpoint.ttl_seconds`, lifetime.seconds, reason);
  }
  content["prompt_cache_breakpoint"] = { mode: "explicit", ttl: lifetime?.word };
  return content;
}

const MARKABLE: ReadonlySet<string | undefined> = new Set(["text", "media", "searchResult"]);

/** Notes marks and wishes of a part that do not go out. */
export function noteIgnored({ rules, adaptations }: EncodeContext, part: Part, field: string): void {
  const { kind } = part;
  if (part.cacheBreakpoint && !(rules.settings.cache_breakpoints && MARKABLE.has(kind.case))) {
    const reason = rules.settings.cache_breakpoints
      ? "the wire format has cache marks on content only"
      : "the provider is not known to take cache marks in this wire format";
    adaptations.addPart(`${field}.cache_breakpoint`, undefined, reason);
  }
  if (kind.case === "searchResult" && kind.value.citationsEnabled !== undefined) {
    adaptations.addPart(`${field}.citations_enabled`, undefined, "the wire format cannot say what may be cited");
  }
}

/** A text alone as a string, which every server takes; anything else as a list. */
export function wireContent(parts: readonly WireObject[]): string | readonly WireObject[] {
  const [only] = parts;
  if (!only) return "";
  const isBareText =
    parts.length === 1 && only["type"] === "input_text" && only["prompt_cache_breakpoint"] === undefined;
  return isBareText ? (only["text"] as string) : parts;
}

function contentOf(part: Part, field: string, context: EncodeContext): WireObject | undefined {
  const { kind } = part;
  switch (kind.case) {
    case "text":
      return { type: "input_text", text: kind.value.text };
    case "media":
      return wireMedia(kind.value, field, context);
    case "searchResult": {
      const reason = "the wire format has no search results; it is sent as text, which cannot be cited by place";
      context.adaptations.addPart(field, undefined, reason);
      return { type: "input_text", text: searchResultText(kind.value) };
    }
    case "opaque":
      if (kind.value.origin?.dialect !== DIALECT_ID) return undefined;
      return objectOf(kind.value.json, `${field}.opaque.json`) as unknown as WireObject;
    default:
      return undefined;
  }
}

function carriedFacts({ modality, source }: MediaPart): MediaFact[] {
  if (modality === Modality.IMAGE) return ["detail"];
  return modality === Modality.AUDIO || source.case === "file" ? [] : ["filename"];
}

function wireMedia(media: MediaPart, field: string, context: EncodeContext): WireObject {
  const { source, detail, filename } = media;
  if (source.case === "text") {
    const reason = "the wire format has no documents of text; it is sent as plain text";
    context.adaptations.addPart(field, undefined, reason);
    noteLostFacts(media, field, media.title === undefined ? ["filename"] : ["title"], context.adaptations);
    const heading = media.title ?? filename;
    return { type: "input_text", text: heading === undefined ? source.value : `${heading}\n\n${source.value}` };
  }
  noteLostFacts(media, field, carriedFacts(media), context.adaptations);
  switch (media.modality) {
    case Modality.IMAGE:
      if (source.case === "file") return { type: "input_image", file_id: source.value.id, detail };
      return { type: "input_image", image_url: mediaAddress(media, field), detail };
    case Modality.AUDIO:
      return { type: "input_audio", input_audio: { data: base64Of(media), format: audioFormat(media, field) } };
    default:
      if (source.case === "file") return { type: "input_file", file_id: source.value.id };
      if (source.case === "url") return { type: "input_file", file_url: source.value, filename };
      return { type: "input_file", filename: filename ?? "document", file_data: mediaAddress(media, field) };
  }
}
