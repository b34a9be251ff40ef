import { create } from "@bufbuild/protobuf";
import {
  OpaqueStateSchema,
  OriginSchema,
  ReasoningVisibility,
  reasoningPart,
  type OpaqueState,
  type Part,
  type ReasoningPart,
} from "../../contract/index.ts";
import {
  arrayAt,
  checkMembers,
  fieldNames,
  invalidField,
  isSet,
  notOneOf,
  objectAt,
  optionalCount,
  optionalObject,
  optionalString,
  pathTo,
  requiredString,
  type JsonObject,
} from "./fields.ts";

/** Reasoning that comes back with an assistant message, and state that belongs to other parts of it. */
export interface ReplayedReasoning {
  readonly parts: Part[];
  /** State by what it belongs to: the id of a tool call, or `content` for the text. */
  readonly attached: ReadonlyMap<string, OpaqueState[]>;
}

const NOTHING: ReplayedReasoning = { parts: [], attached: new Map() };

/**
 * `reasoning_details` (typed pieces with state, as this surface and OpenRouter send them), else `reasoning_content`
 * (DeepSeek and its followers), else `reasoning` (OpenRouter). The latter two are the first one's text, so details win.
 */
export function decodeReasoning(message: JsonObject, path: string, callIds: ReadonlySet<string>): ReplayedReasoning {
  const details = message["reasoning_details"];
  if (isSet(details)) {
    const list = arrayAt(details, pathTo(path, "reasoning_details"));
    if (list.length > 0) return decodeDetails(list, pathTo(path, "reasoning_details"), callIds);
  }
  const text = optionalString(message, "reasoning_content", path) ?? optionalString(message, "reasoning", path) ?? "";
  return text === "" ? NOTHING : { parts: [reasoningPart(text)], attached: new Map() };
}

const DETAIL_FIELDS = fieldNames(
  "type text summary data signature id format index",
  "part attached_to encoding origin", // ours
);
const DETAIL_TYPES = ["reasoning.text", "reasoning.summary", "reasoning.encrypted"];

interface Detail {
  readonly type: string;
  readonly id: string | undefined;
  readonly index: number | undefined;
  /** Ours: which reasoning part the piece belongs to. */
  readonly part: number | undefined;
}

function decodeDetails(list: readonly unknown[], path: string, callIds: ReadonlySet<string>): ReplayedReasoning {
  const parts: Part[] = [];
  const attached = new Map<string, OpaqueState[]>();
  let before: Detail | undefined;
  for (const [number, value] of list.entries()) {
    const at = `${path}[${number}]`;
    const given = objectAt(value, at);
    checkMembers(given, DETAIL_FIELDS, at);
    const detail = headOf(given, at);
    const owner =
      optionalString(given, "attached_to", at) ??
      (detail.id !== undefined && callIds.has(detail.id) ? detail.id : undefined);
    if (detail.type === "reasoning.encrypted" && owner !== undefined) {
      attached.set(owner, [...(attached.get(owner) ?? []), stateOf(given, "data", at)]);
      continue;
    }
    let part = parts.at(-1);
    if (!part || !before || !belongTogether(before, detail)) {
      part = reasoningPart("");
      if (detail.id !== undefined) part.id = detail.id;
      parts.push(part);
      before = undefined;
    }
    addDetail(part, given, detail, before, at);
    before = detail;
  }
  for (const part of parts) setVisibility(part);
  return { parts, attached };
}

function headOf(given: JsonObject, path: string): Detail {
  const type = requiredString(given, "type", path);
  if (!DETAIL_TYPES.includes(type)) throw notOneOf(pathTo(path, "type"), DETAIL_TYPES);
  return {
    type,
    id: optionalString(given, "id", path),
    index: optionalCount(given, "index", path),
    part: optionalCount(given, "part", path),
  };
}

// Ours say which part they belong to. Those of others belong together by id, or as fragments of one piece by index.
function belongTogether(before: Detail, next: Detail): boolean {
  if (next.part !== undefined || before.part !== undefined) return next.part === before.part;
  if (next.id !== undefined && next.id === before.id) return true;
  return isFragment(before, next);
}

function isFragment(before: Detail | undefined, next: Detail): boolean {
  return before !== undefined && next.index !== undefined && next.index === before.index && next.type === before.type;
}

function addDetail(part: Part, given: JsonObject, detail: Detail, before: Detail | undefined, path: string): void {
  const reasoning = part.kind.value as ReasoningPart;
  switch (detail.type) {
    case "reasoning.text":
      addPiece(reasoning.text, optionalString(given, "text", path), isFragment(before, detail));
      if (isSet(given["signature"])) part.state.push(stateOf(given, "signature", path));
      return;
    case "reasoning.summary":
      addPiece(reasoning.summary, requiredString(given, "summary", path), isFragment(before, detail));
      return;
    default:
      part.state.push(stateOf(given, "data", path));
  }
}

function addPiece(pieces: string[], text: string | undefined, continues: boolean): void {
  if (text === undefined) return;
  if (continues && pieces.length > 0) pieces[pieces.length - 1] += text;
  else pieces.push(text);
}

function stateOf(given: JsonObject, member: string, path: string): OpaqueState {
  const data = requiredString(given, member, path);
  const origin = optionalObject(given, "origin", path);
  const encoding = optionalString(given, "encoding", path);
  if (encoding !== undefined && encoding !== "base64") throw notOneOf(pathTo(path, "encoding"), ["base64"]);
  return create(OpaqueStateSchema, {
    format: optionalString(given, "format", path) ?? `reasoning.${member}`,
    payload:
      encoding === "base64" ? { case: "raw", value: Buffer.from(data, "base64") } : { case: "text", value: data },
    ...(origin ? { origin: originAt(origin, pathTo(path, "origin")) } : {}),
  });
}

const ORIGIN_FIELDS = fieldNames("provider dialect model");

function originAt(given: JsonObject, path: string): OpaqueState["origin"] {
  checkMembers(given, ORIGIN_FIELDS, path);
  return create(OriginSchema, {
    provider: requiredString(given, "provider", path),
    dialect: requiredString(given, "dialect", path),
    model: requiredString(given, "model", path),
  });
}

function setVisibility(part: Part): void {
  const reasoning = part.kind.value as ReasoningPart;
  if (reasoning.text.length > 0) reasoning.visibility = ReasoningVisibility.FULL;
  else if (reasoning.summary.length > 0) reasoning.visibility = ReasoningVisibility.SUMMARY;
  else reasoning.visibility = ReasoningVisibility.OMITTED;
}

/** Gives state back to the part it belongs to. */
export function attachState(parts: readonly Part[], attached: ReplayedReasoning["attached"], path: string): void {
  for (const [owner, states] of attached) {
    const part = parts.find((one) =>
      owner === "content" ? one.kind.case === "text" : one.kind.case === "toolCall" && one.kind.value.callId === owner,
    );
    if (!part) {
      throw invalidField(
        pathTo(path, "reasoning_details"),
        "attached_to names neither content nor a tool call of this message",
      );
    }
    part.state.push(...states);
  }
}
