import { ConnectError } from "@connectrpc/connect";
import { GatewayErrorSchema } from "./contract.ts";
import { ParleyRequestError, type Delivered } from "./errors.ts";
import { fromConnectError, unreachableErrorFrom } from "./gateway-error-from.ts";

/** What a call knows about itself when it fails. */
export interface CallContext {
  /** The signal that this side cancels the call with. Undefined: nothing is known of one. */
  readonly signal?: AbortSignal | undefined;
  /** The budget that the call had, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** What the stream had delivered. */
  readonly delivered?: Delivered;
}

/** Whether a gateway explains the error itself, so that nothing needs to be guessed from its code. */
export function isExplained(thrown: unknown): boolean {
  if (thrown instanceof ParleyRequestError) return true;
  return thrown instanceof ConnectError && thrown.findDetails(GatewayErrorSchema).length > 0;
}

/** Whatever a call threw, as the one error that its caller sees. */
export function callErrorFrom(thrown: unknown, context: CallContext = {}): ParleyRequestError {
  if (thrown instanceof ParleyRequestError) return thrown;
  const { signal, delivered } = context;
  const connectError = ConnectError.from(thrown);
  const error = fromConnectError(connectError, delivered ? { delivered } : {});
  if (isExplained(connectError)) return error;
  // A stream that the other side resets reads as cancelled as well, though nobody here did it.
  if (error.reason === "CANCELLED" && signal && !signal.aborted) return unreachableErrorFrom(connectError);
  return error.reason === "CANCELLED" || error.reason === "DEADLINE_EXCEEDED" ? abortErrorFrom(error, context) : error;
}

function abortErrorFrom(error: ParleyRequestError, context: CallContext): ParleyRequestError {
  const { signal, timeoutMs, delivered } = context;
  const cause: unknown = signal?.aborted ? signal.reason : error.cause;
  const ownBudget = error.reason === "DEADLINE_EXCEEDED";
  const budget = ownBudget && timeoutMs !== undefined ? ` of ${timeoutMs} ms` : "";
  const reason = ownBudget || isTimeout(cause) ? "DEADLINE_EXCEEDED" : "CANCELLED";
  const message =
    reason === "CANCELLED"
      ? "Cannot finish the request: its caller cancelled it"
      : `Cannot finish the request: its deadline${budget} has passed`;
  const requestId = delivered?.requestId ?? "";
  const facts = { reason, fault: "caller", retryable: false, safeToRetry: !delivered, requestId } as const;
  return new ParleyRequestError(message, facts, { cause, ...(delivered ? { delivered } : {}) });
}

// What `AbortSignal.timeout` aborts with.
function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === "TimeoutError";
}
