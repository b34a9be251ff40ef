import {
  fromBinary,
  fromJsonString,
  type DescField,
  type DescMessage,
  type DescOneof,
  type MessageShape,
} from "@bufbuild/protobuf";
import { ParleyError } from "../../errors/index.ts";
import { nestsDeeper } from "../json-depth.ts";
import { findBadField } from "./bad-field.ts";
import { printable } from "./read-message.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The message in `bytes`. Throws `INVALID_REQUEST` for what is not one, for JSON that nests too deep, and for fields that
 * this gateway does not know: leaving one out would drop what the caller asked for.
 */
export function decodeMessage<Desc extends DescMessage>(
  desc: Desc,
  bytes: Uint8Array,
  options: { readonly json: boolean; readonly jsonDepth: number; readonly lenient?: boolean },
): MessageShape<Desc> {
  if (options.json) return decodeJson(desc, bytes, options.jsonDepth);
  const message = decodeBinary(desc, bytes);
  const unknown = options.lenient === true ? undefined : findUnknownField(message);
  if (unknown === undefined) return message;
  throw unreadable(`${unknown} is not known to this gateway; leave it out, or update the gateway`);
}

function decodeBinary<Desc extends DescMessage>(desc: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(desc, bytes);
  } catch (thrown) {
    throw unreadable(`it is not a ${desc.typeName} in binary form`, { cause: thrown });
  }
}

function decodeJson<Desc extends DescMessage>(desc: Desc, bytes: Uint8Array, maxDepth: number): MessageShape<Desc> {
  if (nestsDeeper(bytes, maxDepth)) throw unreadable(`its JSON nests deeper than the limit of ${maxDepth} levels`);
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (thrown) {
    throw unreadable("it is not valid UTF-8", { cause: thrown });
  }
  try {
    return fromJsonString(desc, text, { ignoreUnknownFields: false });
  } catch (thrown) {
    throw explainJson(desc, text, thrown);
  }
}

// The library's messages quote values, which may be prompts; only names and expectations are taken over.
function explainJson(desc: DescMessage, text: string, thrown: unknown): ParleyError {
  const { message, cause } = thrown instanceof Error ? thrown : new Error("unknown");
  if (cause instanceof SyntaxError) return unreadable("it is not valid JSON", { cause: thrown });
  if (message.includes("duplicate object key")) return unreadable("its JSON has a key twice", { cause: thrown });
  const path = pathInRequest(desc, text);
  const unknownKey = /^cannot decode message (\S+) from JSON: key "(.*)" is unknown$/s.exec(message);
  if (unknownKey) {
    const key = unknownKey[2]!;
    return unreadable(`${unknownKey[1]} has no field ${printable(key)}`, { field: path ?? key, cause: thrown });
  }
  const name = fieldNameOf(cause);
  const field = path ?? lastName(name ?? "");
  if (name === undefined) {
    const type = /^cannot decode (?:enum|message) (\S+) from JSON/.exec(message)?.[1] ?? desc.typeName;
    return unreadable(`${field === "" ? "it" : field} is no ${type} in JSON`, { field, cause: thrown });
  }
  const expected =
    /^expected [^,:]+|^list item must not be null|^oneof set multiple times|^set multiple times|^invalid base64/.exec(
      (cause as Error).message,
    )?.[0];
  return unreadable(`${path ?? name} is wrong${expected === undefined ? "" : `, ${expected}`}`, {
    field,
    cause: thrown,
  });
}

// Requests of a chat wrap what the pipeline's errors speak of: paths leave the wrapper out on all surfaces.
function pathInRequest(desc: DescMessage, text: string): string | undefined {
  const path = findBadField(desc, JSON.parse(text));
  return path?.startsWith("request.") ? path.slice("request.".length) : path;
}

/** The full name of the field or oneof that a decoding error is about. */
function fieldNameOf(cause: unknown): string | undefined {
  const { field } = (cause ?? {}) as { field?: () => DescField | DescOneof };
  const found = typeof field === "function" ? field() : undefined;
  return found && `${found.parent?.typeName ?? ""}.${found.name}`;
}

function lastName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf(".") + 1);
}

/** The first field of a decoded message, at any depth, that its type does not have. */
function findUnknownField(value: object): string | undefined {
  const { $unknown, $typeName } = value as { $unknown?: { no: number }[]; $typeName?: string };
  if ($unknown && $unknown.length > 0) return `field ${$unknown[0]!.no} of ${$typeName ?? "a message"}`;
  for (const inner of Object.values(value) as unknown[]) {
    if (typeof inner !== "object" || inner === null || inner instanceof Uint8Array) continue;
    const found = findUnknownField(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

function unreadable(why: string, details: { field?: string; cause?: unknown } = {}): ParleyError {
  return new ParleyError("INVALID_REQUEST", `Cannot read the request: ${why}`, details);
}
