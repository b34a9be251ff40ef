import { ParleyError } from "../../errors/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { errorFromBody } from "./decode-error.ts";
import type { ChatCompletionChunk } from "./wire.ts";

const BYTE_ORDER_MARK = 0xfeff;

/** The JSON object of an answer or a chunk. Throws `PROVIDER_BAD_OUTPUT` on anything else, never quoting it. */
export function parseAnswer(text: string, target: DialectTarget, what: string): ChatCompletionChunk {
  let value: unknown;
  try {
    value = JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text);
  } catch (cause) {
    throw badOutput(target, `${what} is ${textKind(text)}, not JSON`, cause);
  }
  // Some endpoints send errors as a list of one.
  if (Array.isArray(value) && isObject(value[0]) && "error" in value[0]) throw errorFromBody(value[0], target);
  if (!isObject(value)) throw badOutput(target, `${what} is not a JSON object`);
  return value as ChatCompletionChunk;
}

/**
 * Runs a decoding step. Whatever an upstream sends becomes a typed error: a member of a type that nobody expects must
 * not look like a defect of the gateway.
 */
export function guarded<T>(target: DialectTarget, what: string, step: () => T): T {
  try {
    return step();
  } catch (thrown) {
    if (thrown instanceof ParleyError) throw thrown;
    throw badOutput(target, `${what} has a member of an unexpected type`, thrown);
  }
}

function badOutput(target: DialectTarget, problem: string, cause?: unknown): ParleyError {
  const message = `Cannot read the answer of ${target.provider}/${target.model}: ${problem}`;
  // The parser's own message quotes the text; it stays inside as the cause.
  return new ParleyError("PROVIDER_BAD_OUTPUT", message, cause === undefined ? {} : { cause });
}

function textKind(text: string): string {
  const start = text.trimStart();
  if (start === "") return "empty";
  return start.startsWith("<") ? "HTML" : "text";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
