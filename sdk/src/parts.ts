import type { Candidate, ChatResponse, Message, Part } from "./contract.ts";

/** Where parts are: a whole response (its first candidate is meant), one of its candidates, or a message. */
export type HasParts = ChatResponse | Candidate | Message;

/** The parts of a response's first candidate, of a candidate, or of a message, in order. */
export function partsOf(from: HasParts): readonly Part[] {
  switch (from.$typeName) {
    case "parley.v1.ChatResponse":
      return from.candidates[0]?.message?.parts ?? [];
    case "parley.v1.Candidate":
      return from.message?.parts ?? [];
    case "parley.v1.Message":
      return from.parts;
  }
}

/**
 * The message of a response's first candidate, to be sent back as it is in the next turn. Throws `RangeError` where the
 * response has none.
 */
export function messageOf(response: ChatResponse): Message {
  const message = response.candidates[0]?.message;
  if (!message) throw new RangeError(`Cannot take the message of response ${response.id}: candidates is empty`);
  return message;
}

/** All text of an answer, in order. Empty where there is none, for example beside tool calls. */
export function textOf(from: HasParts): string {
  return partsOf(from)
    .map((part) => (part.kind.case === "text" ? part.kind.value.text : ""))
    .join("");
}

/** The model's reasoning as far as it is shown: its text where there is any, else its summary; pieces by empty lines. */
export function reasoningOf(from: HasParts): string {
  return partsOf(from)
    .flatMap(({ kind }) => {
      if (kind.case !== "reasoning") return [];
      return kind.value.text.some((text) => text !== "") ? kind.value.text : kind.value.summary;
    })
    .filter((piece) => piece !== "")
    .join("\n\n");
}

/** The model's refusal in its own words. Empty where it did not refuse. */
export function refusalOf(from: HasParts): string {
  return partsOf(from)
    .map((part) => (part.kind.case === "refusal" ? part.kind.value.text : ""))
    .join("");
}
