import { errorObject, failure as serviceFailure, refuse } from "../openai-service/errors.ts";
import type { Complaint, Path } from "../shape.ts";
import type { FailureDetails, FailureKind, WireReply } from "../wire-format.ts";

/** The reply to a request that fails this way: what OpenAI says everywhere, about this format's members. */
export function failure(kind: FailureKind, about: FailureDetails): WireReply {
  const reply = serviceFailure(kind, about);
  const body = reply.body.replace('"param": "messages"', '"param": "input"');
  return { ...reply, body: body.replace("reduce the length of the messages", "reduce the length of the input") };
}

/** JSON text of the same failure as an event, which nests what the documentation does not. */
export function failureEvent(kind: FailureKind, about: FailureDetails, sequenceNumber: number): string {
  const { type, code, message, param } = errorObject(kind, about);
  return JSON.stringify({ type: "error", sequence_number: sequenceNumber, error: { type, code, message, param } });
}

/** Refuses a request whose shape is wrong, in OpenAI's words. */
export function complain(complaint: Complaint): never {
  const path = bracketed(complaint.path);
  switch (complaint.about) {
    case "unknown":
      return refuse("unknown_parameter", path, `Unknown parameter: '${path}'.`);
    case "missing":
      return refuse("missing_required_parameter", path, `Missing required parameter: '${path}'.`);
    case "word": {
      const words = complaint.words.map((one) => `'${one}'`).join(", ");
      const found = JSON.stringify(complaint.value) ?? "nothing";
      return refuse("invalid_value", path, `Invalid value: ${found}. Supported values are: ${words}.`);
    }
    case "range": {
      const { shape, value } = complaint;
      const kind = shape.whole ? "integer" : "decimal";
      const low = value < shape.least;
      const side = low ? "below_min" : "above_max";
      const words = `${kind} ${low ? "below minimum" : "above maximum"} value`;
      const bound = low ? `>= ${shape.least}` : `<= ${shape.most}`;
      return refuse(
        `${kind}_${side}_value`,
        path,
        `Invalid '${path}': ${words}. Expected a value ${bound}, but got ${value} instead.`,
      );
    }
    case "length":
      return refuse(
        `${complaint.of}_above_max_length`,
        path,
        `Invalid '${path}': ${complaint.of} too long. Expected at most ${complaint.most}, but got ${complaint.length}.`,
      );
    default: {
      const expected = TYPE_WORDS[complaint.shape.is] ?? "an object";
      const got = typeWord(complaint.value);
      return refuse("invalid_type", path, `Invalid type for '${path}': expected ${expected}, but got ${got} instead.`);
    }
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  flag: "a boolean",
  text: "a string",
  word: "a string",
  number: "a number",
  list: "an array",
  either: "one of a string or an array of objects",
};

function typeWord(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function bracketed(path: Path): string {
  let text = "";
  for (const step of path) text += typeof step === "number" ? `[${step}]` : `${text === "" ? "" : "."}${step}`;
  return text;
}
