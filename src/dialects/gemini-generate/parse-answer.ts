import type { DialectTarget } from "../dialect.ts";
import { jsonTree, type JsonObjectTree, type JsonTree } from "../json-tree.ts";
import { membersOf } from "../native-error.ts";
import { objectIn, receivedValue, withoutMark } from "../received-json.ts";
import { errorFromBody } from "./decode-error.ts";
import type { GenerateContentResponse } from "./wire.ts";

/** An answer, or an event of one, with its text: arguments of calls are read from that, so that nothing of them is lost. */
export interface ParsedAnswer {
  readonly value: GenerateContentResponse;
  readonly text: AnswerText;
}

/** Reads an answer or an event. Throws `PROVIDER_BAD_OUTPUT` on anything else, never quoting it. */
export function parseAnswer(received: string, target: DialectTarget, what: string): ParsedAnswer {
  const text = withoutMark(received);
  const value = receivedValue(text, target, what);
  // Errors of streams may come as a list of one.
  const first = Array.isArray(value) ? membersOf(value[0]) : {};
  if ("error" in first) throw errorFromBody(first, target);
  return { value: objectIn(value, target, what), text: new AnswerText(text) };
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
