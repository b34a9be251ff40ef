import type { MediaPart, SearchResultPart } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";

/** A medium's address: its URL, or its bytes as a `data:` URL. */
export function mediaAddress(media: MediaPart, field: string): string {
  if (media.source.case === "url") return media.source.value;
  return `data:${mediaType(media, field)};base64,${base64Of(media)}`;
}

/** A medium's bytes as base64; empty where they are not inline. */
export function base64Of({ source }: MediaPart): string {
  if (source.case !== "inline") return "";
  const { buffer, byteOffset, byteLength } = source.value;
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

/** The bytes behind base64 text. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

const AUDIO_FORMATS: Readonly<Record<string, string>> = { wave: "wav", "vnd.wave": "wav", mpeg: "mp3" };

/** The short name of a sound's encoding, for example `wav` or `mp3`. */
export function audioFormat(media: MediaPart, field: string): string {
  const subtype = (mediaType(media, field).split("/")[1] ?? "").split(";")[0]?.replace(/^x-/, "").trim() ?? "";
  return AUDIO_FORMATS[subtype] ?? subtype;
}

/** A search result as plain text, for wires that have none. */
export function searchResultText({ title, source, content }: SearchResultPart): string {
  const texts = content.flatMap(({ kind }) => (kind.case === "text" ? [kind.value.text] : []));
  return [`${title} (${source})`, ...texts].join("\n\n");
}

function mediaType({ mimeType }: MediaPart, field: string): string {
  if (mimeType !== undefined) return mimeType;
  throw new ParleyError("INVALID_REQUEST", `Cannot send ${field}.media: inline bytes need mime_type`, {
    field: `${field}.media.mime_type`,
  });
}
