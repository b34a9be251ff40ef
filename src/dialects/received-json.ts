import { ParleyError } from "../errors/index.ts";
import type { DialectTarget } from "./dialect.ts";
import type { Members } from "./native-error.ts";

const BYTE_ORDER_MARK = 0xfeff;

/** A text as received, without the mark that some servers put before it. */
export function withoutMark(text: string): string {
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

/** The JSON value in a text. Throws `PROVIDER_BAD_OUTPUT` where it holds none, never quoting it. */
export function receivedValue(text: string, target: DialectTarget, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser's own message quotes the text; it stays inside as the cause.
    throw badOutput(target, `${what} is ${textKind(text)}, not JSON`, cause);
  }
}

/** The object that a JSON value is. Throws `PROVIDER_BAD_OUTPUT` where it is something else. */
export function objectIn(value: unknown, target: DialectTarget, what: string): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw badOutput(target, `${what} is not a JSON object`);
}

/** The JSON object in a text. Throws `PROVIDER_BAD_OUTPUT` on anything else, never quoting it. */
export function receivedObject(text: string, target: DialectTarget, what: string): Members {
  return objectIn(receivedValue(text, target, what), target, what);
}

/**
 * The list of objects that a member is. Throws `TypeError` where it or one of its items is something else: a text can be
 * walked like a list and has members like an object, one for each of its characters.
 */
export function receivedObjects<Item>(list: readonly Item[]): readonly Item[] {
  const items: readonly Item[] | undefined = Array.isArray(list) ? list : undefined;
  if (items?.every((item) => typeof item === "object" && item !== null)) return items;
  throw new TypeError("Cannot read a list of objects: it or an item is something else");
}

/**
 * What a decoding step threw, as a typed error: a member of a type that nobody expects must not look like a defect of
 * the gateway.
 */
export function typedDecodeError(thrown: unknown, target: DialectTarget, what: string): ParleyError {
  if (thrown instanceof ParleyError) return thrown;
  return badOutput(target, `${what} has a member of an unexpected type`, thrown);
}

/** An answer that cannot be read. */
export function badOutput(target: DialectTarget, problem: string, cause?: unknown): ParleyError {
  const message = `Cannot read the answer of ${target.provider}/${target.model}: ${problem}`;
  return new ParleyError("PROVIDER_BAD_OUTPUT", message, cause === undefined ? {} : { cause });
}

function textKind(text: string): string {
  const start = text.trimStart();
  if (start === "") return "empty";
  return start.startsWith("<") ? "HTML" : "text";
}
