import { ErrorReason, FinishReason } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";

/**
 * The error behind an end that is none: some providers finish an answer that broke as if it were whole. A call that the
 * output limit cut keeps its honest finish reason; one that the provider calls complete must not be run.
 */
export function failedFinish(reason: FinishReason | undefined, brokenCall: boolean): ParleyError | undefined {
  const complete = reason === FinishReason.TOOL_CALLS || reason === FinishReason.STOP;
  if (reason === FinishReason.MALFORMED_TOOL_CALL || (complete && brokenCall)) {
    return new ParleyError(
      "PROVIDER_BAD_OUTPUT",
      "Cannot complete the answer: the model wrote a tool call whose arguments are not JSON",
    );
  }
  if (reason === FinishReason.MALFORMED_OUTPUT) {
    return new ParleyError(
      "PROVIDER_BAD_OUTPUT",
      "Cannot complete the answer: the model wrote output that the provider cannot read",
    );
  }
  if (reason === FinishReason.PROVIDER_ERROR) {
    return new ParleyError("PROVIDER_ERROR", "Cannot complete the answer: the provider failed within it and says so");
  }
  return undefined;
}

const NOT_THE_CALLERS: ReadonlySet<ErrorReason> = new Set([
  ErrorReason.INVALID_REQUEST,
  ErrorReason.UNSUPPORTED_PARAMETER,
  ErrorReason.CONTEXT_TOO_LONG,
]);

/**
 * What a target's refusal to continue an answer is to the caller, who has not asked for that: the answer is broken, as it
 * was before, and another target may go on with it.
 */
export function brokenFor(error: ParleyError): ParleyError {
  if (!NOT_THE_CALLERS.has(error.reason)) return error;
  return new ParleyError(
    "STREAM_INTERRUPTED",
    "Cannot complete the answer: it broke, and its next target refuses to go on",
    {
      cause: error,
    },
  );
}
