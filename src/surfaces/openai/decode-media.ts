import { create } from "@bufbuild/protobuf";
import { MediaPartSchema, Modality, PartSchema, type MediaPart, type Part } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import {
  checkMembers,
  invalidField,
  objectAt,
  optionalString,
  pathTo,
  requiredString,
  type JsonObject,
} from "./fields.ts";

// Images, sound, documents and video of a request. Shapes:
// https://platform.openai.com/docs/api-reference/chat/create (image_url, input_audio, file), and video_url as OpenRouter has it.

type Source = MediaPart["source"];

const IMAGE_FIELDS = new Set(["url", "detail"]);
const AUDIO_FIELDS = new Set(["data", "format"]);
const FILE_FIELDS = new Set(["file_data", "file_id", "filename"]);
const VIDEO_FIELDS = new Set(["url"]);

/** An `image_url` part. */
export function decodeImage(part: JsonObject, path: string): Part {
  const at = pathTo(path, "image_url");
  const image = objectAt(part["image_url"], at);
  checkMembers(image, IMAGE_FIELDS, at);
  const detail = optionalString(image, "detail", at);
  return mediaPart(
    Modality.IMAGE,
    fromUrl(requiredString(image, "url", at), pathTo(at, "url")),
    detail === undefined ? {} : { detail },
  );
}

/** A `video_url` part. */
export function decodeVideo(part: JsonObject, path: string): Part {
  const at = pathTo(path, "video_url");
  const video = objectAt(part["video_url"], at);
  checkMembers(video, VIDEO_FIELDS, at);
  return mediaPart(Modality.VIDEO, fromUrl(requiredString(video, "url", at), pathTo(at, "url")));
}

// What is not listed here has its format for a subtype.
const AUDIO_TYPES = new Map([["mp3", "audio/mpeg"]]);

/** An `input_audio` part. */
export function decodeAudio(part: JsonObject, path: string): Part {
  const at = pathTo(path, "input_audio");
  const audio = objectAt(part["input_audio"], at);
  checkMembers(audio, AUDIO_FIELDS, at);
  const format = requiredString(audio, "format", at);
  if (!/^[a-z0-9]{1,32}$/i.test(format))
    throw invalidField(pathTo(at, "format"), "expected a format such as wav or mp3");
  const bytes = fromBase64(requiredString(audio, "data", at), pathTo(at, "data"));
  const mimeType = AUDIO_TYPES.get(format) ?? `audio/${format}`;
  return mediaPart(Modality.AUDIO, { mimeType, source: { case: "inline", value: bytes } });
}

/** A `file` part: the id of an uploaded file, or its content as a `data:` URL, an address or bare base64. */
export function decodeFile(part: JsonObject, path: string): Part {
  const at = pathTo(path, "file");
  const file = objectAt(part["file"], at);
  checkMembers(file, FILE_FIELDS, at);
  const filename = optionalString(file, "filename", at);
  const id = optionalString(file, "file_id", at);
  const data = optionalString(file, "file_data", at);
  if (id === undefined && data === undefined) throw invalidField(at, "expected file_id or file_data, got neither");
  if (id !== undefined && data !== undefined) throw invalidField(at, "expected file_id or file_data, got both");
  const named = filename === undefined ? {} : { filename };
  if (id !== undefined)
    return mediaPart(Modality.DOCUMENT, { source: { case: "file", value: fileReference(id) } }, named);
  return mediaPart(Modality.DOCUMENT, fileContent(data ?? "", filename, pathTo(at, "file_data")), named);
}

/** An earlier spoken answer, named by its id. What an answer holds beside the id may come back with it. */
export function decodeAudioReference(value: unknown, path: string): Part {
  const audio = objectAt(value, path);
  checkMembers(audio, new Set(["id", "data", "expires_at", "transcript"]), path);
  const id = requiredString(audio, "id", path);
  return mediaPart(Modality.AUDIO, { source: { case: "file", value: fileReference(id) } }, { generatedId: id });
}

interface Content {
  readonly mimeType?: string;
  readonly source: Source;
}

function mediaPart(
  modality: Modality,
  content: Content,
  more: { detail?: string; filename?: string; generatedId?: string } = {},
): Part {
  return create(PartSchema, {
    kind: { case: "media", value: create(MediaPartSchema, { modality, ...content, ...more }) },
  });
}

function fileReference(id: string): Extract<Source, { case: "file" }>["value"] {
  return { $typeName: "parley.v1.FileReference", id };
}

function fileContent(data: string, filename: string | undefined, path: string): Content {
  if (/^(?:data|https?):/i.test(data)) return fromUrl(data, path);
  const mimeType = filename?.toLowerCase().endsWith(".pdf") === false ? "application/octet-stream" : "application/pdf";
  return { mimeType, source: { case: "inline", value: fromBase64(data, path) } };
}

function fromUrl(url: string, path: string): Content {
  if (!/^data:/i.test(url)) {
    if (!/^[a-z][a-z0-9+.-]*:/i.test(url)) throw invalidField(path, "expected a URL with its scheme, or a data: URL");
    return { source: { case: "url", value: url } };
  }
  const comma = url.indexOf(",");
  const head = url.slice("data:".length, Math.max(comma, 0));
  const [mimeType = "", ...parameters] = head.split(";");
  if (
    comma < 0 ||
    !/^[\w.+-]{1,127}\/[\w.+-]{1,127}$/.test(mimeType) ||
    parameters.at(-1)?.trim().toLowerCase() !== "base64"
  ) {
    throw invalidMedia(path, "expected data:<media type>;base64,<content>");
  }
  return {
    mimeType: mimeType.toLowerCase(),
    source: { case: "inline", value: fromBase64(url.slice(comma + 1), path) },
  };
}

// Node's decoder skips what is not base64; a length that does not fit tells.
function fromBase64(text: string, path: string): Uint8Array {
  const clean = /\s/.test(text) ? text.replaceAll(/\s+/g, "") : text;
  const padding = clean.endsWith("==") ? 2 : clean.endsWith("=") ? 1 : 0;
  const bytes = Buffer.from(clean, "base64");
  if (clean.length === 0) throw invalidMedia(path, "it is empty");
  if (bytes.length !== Math.floor(((clean.length - padding) * 3) / 4))
    throw invalidMedia(path, "it is not valid base64");
  return bytes;
}

function invalidMedia(path: string, what: string): ParleyError {
  return new ParleyError("INVALID_MEDIA", `Cannot read ${path}: ${what}`, { field: path });
}
