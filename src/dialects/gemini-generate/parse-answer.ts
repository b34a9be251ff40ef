import { ParleyError } from "../../errors/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { jsonTree, type JsonObjectTree, type JsonTree } from "../json-tree.ts";
import { errorFromBody } from "./decode-error.ts";
import type { GenerateContentResponse } from "./wire.ts";

const BYTE_ORDER_MARK = 0xfeff;

/** An answer, or an event of one, with its text: arguments of calls are read from that, so that nothing of them is lost. */
export interface ParsedAnswer {
  readonly value: GenerateContentResponse;
  readonly text: AnswerText;
}

/** Reads an answer or an event. Throws `PROVIDER_BAD_OUTPUT` on anything else, never quoting it. */
export function parseAnswer(received: string, target: DialectTarget, what: string): ParsedAnswer {
  const text = received.charCodeAt(0) === BYTE_ORDER_MARK ? received.slice(1) : received;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw badOutput(target, `${what} is ${textKind(text)}, not JSON`, cause);
  }
  // Errors of streams may come as a list of one.
  if (Array.isArray(value) && isObject(value[0]) && "error" in value[0]) throw errorFromBody(value[0], target);
  if (!isObject(value)) throw badOutput(target, `${what} is not a JSON object`);
  return { value: value as GenerateContentResponse, text: new AnswerText(text) };
}

/** The text behind an answer, taken apart where something has to be kept as it was written. */
export class AnswerText {
  readonly #text: string;
  #tree: JsonTree | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** The candidate at a place of the list. Throws `RangeError` where it is nested too deep. */
  candidate(place: number): JsonObjectTree {
    this.#tree ??= jsonTree(this.#text);
    const candidates = this.#tree instanceof Map ? this.#tree.get("candidates") : undefined;
    const found = Array.isArray(candidates) ? candidates[place] : undefined;
    if (!(found instanceof Map)) throw new RangeError("Cannot take the answer apart: it is nested too deep");
    return found;
  }

  /** A part of that candidate. */
  part(place: number, index: number): JsonObjectTree {
    const content = this.candidate(place).get("content");
    const parts = content instanceof Map ? content.get("parts") : undefined;
    const found = Array.isArray(parts) ? parts[index] : undefined;
    return found instanceof Map ? found : new Map();
  }
}

/** A member of an object that is itself an object; an empty one where it is something else. */
export function objectAt(tree: JsonObjectTree, member: string): JsonObjectTree {
  const found = tree.get(member);
  return found instanceof Map ? found : new Map();
}

/**
 * What a decoding step threw, as a typed error: a member of a type that nobody expects must not look like a defect of
 * the gateway.
 */
export function typedError(thrown: unknown, target: DialectTarget, what: string): ParleyError {
  if (thrown instanceof ParleyError) return thrown;
  return badOutput(target, `${what} has a member of an unexpected type`, thrown);
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
