import { Code, ConnectError } from "@connectrpc/connect";
import { GatewayErrorSchema, type GatewayError, type StreamEvent } from "./contract.ts";
import {
  ParleyRequestError,
  type ErrorAttempt,
  type ErrorContext,
  type ErrorFacts,
  type ErrorUpstream,
} from "./errors.ts";
import { faultName, reasonName, type FaultName, type ReasonName } from "./reasons.ts";
import { restErrorFrom } from "./rest-error.ts";

const MAX_CAUSES = 4;

/**
 * The gateway's error behind anything that was caught or received: an error of this SDK, a `ConnectError` of a generated
 * client, a stream's `failed` event, a `GatewayError`, the JSON body of a REST error (parsed or as text), an error of an
 * OpenAI client that talks to the shim, or an error whose `cause` is one of these. Undefined where it is none of them.
 */
export function gatewayErrorFrom(thrown: unknown): ParleyRequestError | undefined {
  let current = thrown;
  for (let depth = 0; depth < MAX_CAUSES && current !== undefined && current !== null; depth++) {
    const found = oneErrorFrom(current);
    if (found) return found;
    current = current instanceof Error ? current.cause : undefined;
  }
  return undefined;
}

/**
 * Whether the same request may be sent again: it may succeed later, and it repeats nothing, since no content was
 * delivered. After content, a program that discards the fragment may read `retryable` alone. False for anything that is
 * not an error of a gateway.
 */
export function isRetryable(thrown: unknown): boolean {
  const error = gatewayErrorFrom(thrown);
  return error !== undefined && error.retryable && error.safeToRetry;
}

function oneErrorFrom(thrown: unknown): ParleyRequestError | undefined {
  if (thrown instanceof ParleyRequestError) return thrown;
  if (thrown instanceof ConnectError) return fromConnectError(thrown);
  return fromMessage(thrown) ?? restErrorFrom(thrown);
}

/** The error behind a `ConnectError`: the gateway's own where it sent one, else what its code says. */
export function fromConnectError(error: ConnectError, context: ErrorContext = {}): ParleyRequestError {
  const [detail] = error.findDetails(GatewayErrorSchema);
  const withCause = { cause: error, ...context };
  if (detail) return fromGatewayError(detail, withCause);
  return fromRow(rowOf(error), error, withCause);
}

/** The error of a call whose connection broke before an answer came. */
export function unreachableErrorFrom(error: ConnectError): ParleyRequestError {
  return fromRow(unreachable, error, { cause: error });
}

function fromRow(
  [reason, fault, retryable, sentence]: Row,
  error: ConnectError,
  context: ErrorContext,
): ParleyRequestError {
  const facts = { reason, fault, retryable, safeToRetry: !context.delivered };
  return new ParleyRequestError(`${sentence}: ${error.rawMessage.slice(0, 512) || "no more is known"}`, facts, context);
}

/** The error that a `GatewayError` message tells of. */
export function fromGatewayError(error: GatewayError, context: ErrorContext = {}): ParleyRequestError {
  const facts: ErrorFacts = {
    reason: reasonName(error.reason),
    fault: faultName(error.fault),
    retryable: error.retryable,
    safeToRetry: error.safeToRetry,
    field: error.field,
    attempts: error.attempts.map(attemptOf),
    exclusions: error.exclusions.map(({ constraint, count, example }) => ({ constraint, count, example })),
    requestId: error.requestId,
    errorId: error.errorId,
    ...(error.retryDelayMs === undefined ? {} : { retryDelayMs: error.retryDelayMs }),
    ...(error.upstream ? { upstream: upstreamOf(error.upstream) } : {}),
  };
  return new ParleyRequestError(error.message || `The gateway failed with ${facts.reason}`, facts, context);
}

function attemptOf(attempt: GatewayError["attempts"][number]): ErrorAttempt {
  return {
    provider: attempt.target?.provider ?? "",
    model: attempt.target?.model ?? "",
    reason: reasonName(attempt.reason),
    durationMs: attempt.durationMs,
    ...(attempt.httpStatus === undefined ? {} : { httpStatus: attempt.httpStatus }),
  };
}

function upstreamOf(upstream: NonNullable<GatewayError["upstream"]>): ErrorUpstream {
  const { type, code, message, requestId, httpStatus } = upstream;
  return { type, code, message, requestId, ...(httpStatus === undefined ? {} : { httpStatus }) };
}

function fromMessage(value: unknown): ParleyRequestError | undefined {
  if (typeof value !== "object" || value === null || !("$typeName" in value)) return undefined;
  switch (value.$typeName) {
    case "parley.v1.GatewayError":
      return fromGatewayError(value as GatewayError);
    case "parley.v1.Failed":
      return fromMessage((value as { error?: unknown }).error);
    case "parley.v1.StreamEvent": {
      const { event } = value as StreamEvent;
      return event.case === "failed" ? fromMessage(event.value) : undefined;
    }
    case "parley.v1.GenerateStreamResponse":
      return fromMessage((value as { event?: unknown }).event);
    default:
      return undefined;
  }
}

type Row = readonly [reason: ReasonName, fault: FaultName, retryable: boolean, sentence: string];

const unreachable: Row = ["GATEWAY_UNREACHABLE", "gateway", true, "Cannot reach the gateway"];
const unknown: Row = ["UNKNOWN", "unknown", false, "Cannot read the answer, which is not a Parley gateway's"];

// What a code means where no gateway explains it: an intermediary answered, or the call never got that far.
const rows = new Map<Code, Row>([
  [Code.Canceled, ["CANCELLED", "caller", false, "The request was cancelled"]],
  [Code.DeadlineExceeded, ["DEADLINE_EXCEEDED", "caller", false, "Cannot finish the request before its deadline"]],
  [Code.InvalidArgument, ["INVALID_REQUEST", "caller", false, "Cannot send the request"]],
  [Code.NotFound, ["NOT_FOUND", "caller", false, "Cannot find what was asked for"]],
  [Code.Unauthenticated, ["UNAUTHENTICATED", "caller", false, "Cannot authenticate"]],
  [Code.PermissionDenied, ["PERMISSION_DENIED", "caller", false, "Cannot do this with the given key"]],
  [Code.Unimplemented, ["NOT_IMPLEMENTED", "caller", false, "Cannot find this call at the address in baseUrl"]],
  [Code.Unavailable, unreachable],
  [Code.Aborted, unreachable],
]);

function rowOf(error: ConnectError): Row {
  // `fetch` rejects with TypeError, and with nothing else, where no answer comes.
  if (error.code === Code.Unknown && error.cause instanceof TypeError) return unreachable;
  // Node's own errors of sockets, TLS and HTTP/2 have a code in words.
  if (error.cause instanceof Error && "code" in error.cause && typeof error.cause.code === "string") return unreachable;
  // protobuf's own error for a request that does not fit its schema
  if (error.cause instanceof Error && error.cause.name.startsWith("Field"))
    return rows.get(Code.InvalidArgument) ?? unknown;
  return rows.get(error.code) ?? unknown;
}
