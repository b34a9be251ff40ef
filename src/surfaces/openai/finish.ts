import { FinishReason, type Finish } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";

/** OpenAI's words for why an answer ended. */
export type FinishWord = "stop" | "length" | "tool_calls" | "content_filter" | "function_call";

const WORDS = new Map<number, FinishWord>([
  [FinishReason.STOP, "stop"],
  [FinishReason.STOP_SEQUENCE, "stop"],
  [FinishReason.MAX_TOKENS, "length"],
  [FinishReason.CONTEXT_WINDOW, "length"],
  [FinishReason.TOOL_CALLS, "tool_calls"],
  [FinishReason.PAUSED, "stop"],
  [FinishReason.REFUSAL, "content_filter"],
  [FinishReason.CONTENT_FILTER, "content_filter"],
  [FinishReason.RECITATION, "content_filter"],
  [FinishReason.TOOL_LIMIT, "stop"],
  [FinishReason.OTHER, "stop"],
]);

/**
 * The word for a finish; `parley.finish` has the exact reason and the provider's own. Undefined for ends that are no
 * answer in this format, such as a tool call that cannot be read: `finishError` says what they are.
 */
export function finishWord(finish: Finish | undefined, legacyFunctions: boolean): FinishWord | undefined {
  const word = WORDS.get(finish?.reason ?? FinishReason.UNSPECIFIED);
  return word === "tool_calls" && legacyFunctions ? "function_call" : word;
}

/** The error behind a finish for which there is no word: clients would take a fragment for the answer. */
export function finishError(finish: Finish | undefined): ParleyError {
  switch (finish?.reason) {
    case FinishReason.MALFORMED_TOOL_CALL:
      return new ParleyError(
        "PROVIDER_BAD_OUTPUT",
        "Cannot give an answer: the model wrote a tool call that cannot be read",
      );
    case FinishReason.MALFORMED_OUTPUT:
      return new ParleyError(
        "PROVIDER_BAD_OUTPUT",
        "Cannot give an answer: the model wrote output that cannot be read",
      );
    case FinishReason.PROVIDER_ERROR:
      return new ParleyError(
        "PROVIDER_ERROR",
        "Cannot give a complete answer: the provider failed within it and says so",
      );
    default:
      return new ParleyError("STREAM_INTERRUPTED", "Cannot give a complete answer: it ended without a finish reason");
  }
}

const REASON_NAMES = new Map<number, string>(
  Object.entries(FinishReason).map(([name, value]) => [value, name.toLowerCase()]),
);

/** A finish with the contract's reason and the provider's own word. */
export function encodeFinish(index: number, finish: Finish | undefined): Record<string, unknown> {
  const fields: Record<string, unknown> = {
    index,
    reason: REASON_NAMES.get(finish?.reason ?? 0) ?? "other",
    native: finish?.native ?? "",
  };
  if (finish?.stopSequence !== undefined) fields["stop_sequence"] = finish.stopSequence;
  if (finish?.category !== undefined) fields["category"] = finish.category;
  if (finish?.message !== undefined) fields["message"] = finish.message;
  return fields;
}
