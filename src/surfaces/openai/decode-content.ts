import { create } from "@bufbuild/protobuf";
import {
  CacheBreakpointSchema,
  PartSchema,
  refusalPart,
  textPart,
  type CacheBreakpoint,
  type Part,
} from "../../contract/index.ts";
import { decodeAudio, decodeFile, decodeImage, decodeVideo } from "./decode-media.ts";
import {
  checkMembers,
  invalidField,
  isSet,
  notOneOf,
  objectAt,
  optionalString,
  pathTo,
  requiredString,
  wrongType,
  type JsonObject,
} from "./fields.ts";

/** Types of content parts that a role's messages may have. */
export type ContentTypes = ReadonlySet<string>;

/** Content of instructions. */
export const TEXT_ONLY: ContentTypes = new Set(["text"]);
/** Content of users and of tools. */
export const TEXT_AND_MEDIA: ContentTypes = new Set(["text", "image_url", "input_audio", "file", "video_url"]);
/** Content of the model; `thinking` is how Mistral's clients send its reasoning back. */
export const MODEL_CONTENT: ContentTypes = new Set(["text", "refusal", "thinking"]);

const CACHE_FIELDS = ["cache_control", "prompt_cache_breakpoint"];
const MEMBERS = new Map(
  ["text", "image_url", "input_audio", "file", "video_url", "refusal", "thinking"].map((type) => [
    type,
    new Set(["type", type, ...CACHE_FIELDS]),
  ]),
);

/** The parts of a message's `content`: a string, or an array of typed parts. Empty text makes no part. */
export function decodeContent(content: unknown, path: string, types: ContentTypes): Part[] {
  if (typeof content === "string") {
    if (!content.isWellFormed()) throw invalidField(path, "it holds half of a surrogate pair, which is not text");
    return content === "" ? [] : [textPart(content)];
  }
  if (!Array.isArray(content)) throw wrongType(path, "a string or an array of content parts", content);
  const parts: Part[] = [];
  for (const [index, value] of content.entries()) {
    const part = decodePart(value, `${path}[${index}]`, types);
    if (part.kind.case !== "text" || part.kind.value.text !== "" || part.cacheBreakpoint) parts.push(part);
  }
  return parts;
}

function decodePart(value: unknown, path: string, types: ContentTypes): Part {
  const given = objectAt(value, path);
  const type = requiredString(given, "type", path);
  if (!types.has(type)) throw notOneOf(pathTo(path, "type"), types);
  checkMembers(given, MEMBERS.get(type) ?? types, path);
  const part = decodeKind(type, given, path);
  const mark = cacheMark(given, path);
  if (mark) part.cacheBreakpoint = mark;
  return part;
}

function decodeKind(type: string, given: JsonObject, path: string): Part {
  switch (type) {
    case "image_url":
      return decodeImage(given, path);
    case "input_audio":
      return decodeAudio(given, path);
    case "file":
      return decodeFile(given, path);
    case "video_url":
      return decodeVideo(given, path);
    case "refusal":
      return refusalPart(requiredString(given, "refusal", path));
    case "thinking":
      return thinkingPart(given["thinking"], pathTo(path, "thinking"));
    default:
      return textPart(requiredString(given, "text", path));
  }
}

const THOUGHT_FIELDS = new Set(["type", "text"]);

// https://docs.mistral.ai/capabilities/reasoning/: a list of texts.
function thinkingPart(value: unknown, path: string): Part {
  if (!Array.isArray(value)) throw wrongType(path, "an array of texts", value);
  const text = value.map((one: unknown, index) => {
    const at = `${path}[${index}]`;
    const thought = objectAt(one, at);
    checkMembers(thought, THOUGHT_FIELDS, at);
    if ((optionalString(thought, "type", at) ?? "text") !== "text") throw notOneOf(pathTo(at, "type"), ["text"]);
    return requiredString(thought, "text", at);
  });
  return create(PartSchema, { kind: { case: "reasoning", value: { text } } });
}

const CACHE_CONTROL_FIELDS = new Set(["type", "ttl"]);
const BREAKPOINT_FIELDS = new Set(["mode", "ttl"]);

/**
 * The cache mark of a part, tool or message: `cache_control: {type: "ephemeral", ttl: "5m" | "1h"}` as Anthropic's and
 * OpenRouter's clients send it, or OpenAI's `prompt_cache_breakpoint: {mode: "explicit", ttl}`.
 */
export function cacheMark(given: JsonObject, path: string): CacheBreakpoint | undefined {
  const control = given["cache_control"];
  const breakpoint = given["prompt_cache_breakpoint"];
  if (isSet(control)) return markAt(control, pathTo(path, "cache_control"), CACHE_CONTROL_FIELDS, "type", "ephemeral");
  if (isSet(breakpoint))
    return markAt(breakpoint, pathTo(path, "prompt_cache_breakpoint"), BREAKPOINT_FIELDS, "mode", "explicit");
  return undefined;
}

function markAt(
  value: unknown,
  path: string,
  fields: ReadonlySet<string>,
  kind: string,
  word: string,
): CacheBreakpoint {
  const given = objectAt(value, path);
  checkMembers(given, fields, path);
  if ((optionalString(given, kind, path) ?? word) !== word) throw notOneOf(pathTo(path, kind), [word]);
  const ttlSeconds = optionalDuration(given, "ttl", path);
  return create(CacheBreakpointSchema, ttlSeconds === undefined ? {} : { ttlSeconds });
}

const SECONDS = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3600],
  ["d", 86_400],
]);

/** A duration such as `5m`, `1h` or `24h`, in seconds. */
export function optionalDuration(given: JsonObject, name: string, parent: string): number | undefined {
  const text = optionalString(given, name, parent);
  if (text === undefined) return undefined;
  const found = /^(\d{1,6})([smhd])$/.exec(text);
  const unit = SECONDS.get(found?.[2] ?? "");
  if (!found || unit === undefined) throw invalidField(pathTo(parent, name), "expected a duration such as 5m or 1h");
  return Number(found[1]) * unit;
}
