import { FinishReason } from "../../contract/index.ts";

// Source: https://ai.google.dev/api/generate-content#FinishReason; MODEL_ARMOR is Vertex AI's.
const REASONS: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["STOP", FinishReason.STOP],
  ["MAX_TOKENS", FinishReason.MAX_TOKENS],
  ["SAFETY", FinishReason.CONTENT_FILTER],
  ["BLOCKLIST", FinishReason.CONTENT_FILTER],
  ["PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER],
  ["SPII", FinishReason.CONTENT_FILTER],
  ["LANGUAGE", FinishReason.CONTENT_FILTER],
  ["IMAGE_SAFETY", FinishReason.CONTENT_FILTER],
  ["IMAGE_PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER],
  ["MODEL_ARMOR", FinishReason.CONTENT_FILTER],
  ["RECITATION", FinishReason.RECITATION],
  ["IMAGE_RECITATION", FinishReason.RECITATION],
  ["MALFORMED_FUNCTION_CALL", FinishReason.MALFORMED_TOOL_CALL],
  ["UNEXPECTED_TOOL_CALL", FinishReason.MALFORMED_TOOL_CALL],
  ["MALFORMED_RESPONSE", FinishReason.MALFORMED_OUTPUT],
  ["NO_IMAGE", FinishReason.MALFORMED_OUTPUT],
  ["IMAGE_OTHER", FinishReason.MALFORMED_OUTPUT],
  ["TOO_MANY_TOOL_CALLS", FinishReason.TOOL_LIMIT],
  ["CONTINUATION", FinishReason.PAUSED],
  ["OTHER", FinishReason.OTHER],
]);

// Clients that ask for enumerations as numbers get these.
const BY_NUMBER = ["", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER"];

/** The word behind what the wire says; undefined where it says nothing yet. */
export function finishWordOf(value: unknown): string | undefined {
  const word = typeof value === "number" ? (BY_NUMBER[value] ?? String(value)) : value;
  if (typeof word !== "string" || word === "" || word === "FINISH_REASON_UNSPECIFIED") return undefined;
  return word;
}

/**
 * The reason behind a word. An unknown word is `OTHER`, never a stop. The wire has no word for calls that the caller is
 * to run: it says `STOP`.
 */
export function finishReason(word: string, hasCalls: boolean): FinishReason {
  const reason = REASONS.get(word);
  if (reason === undefined) return FinishReason.OTHER;
  return reason === FinishReason.STOP && hasCalls ? FinishReason.TOOL_CALLS : reason;
}

/** Whether the decoder knows the word. */
export function isKnownFinishWord(word: string): boolean {
  return REASONS.has(word);
}
