import { create, toBinary } from "@bufbuild/protobuf";
import {
  ErrorReason,
  GatewayErrorSchema,
  UpstreamErrorSchema,
  type Exclusion,
  type FailedAttempt,
  type GatewayError,
  type UpstreamError,
} from "../contract/index.ts";
import { errorRow, type ErrorRow, type ReasonName } from "./catalogue.ts";
import { redact, redactRemembered, shorten } from "./redact.ts";

/** What an error may say beyond its reason and its message. */
export interface ErrorDetails {
  /** Path of the request's field. */
  readonly field?: string;
  /** When to retry, in milliseconds from now. */
  readonly retryDelayMs?: number;
  /** What the provider said; it is redacted, and `message` shortened, here. */
  readonly upstream?: Partial<Omit<UpstreamError, "$typeName" | "$unknown">>;
  readonly exclusions?: readonly Exclusion[];
  /** Whether asking the very same target again is in vain; unset: its row in the catalogue tells. */
  readonly isLasting?: boolean;
  /** What caused it; kept inside the process, never shown. */
  readonly cause?: unknown;
}

/** The one error class. Everything that goes wrong becomes one of these before it reaches a surface. */
export class ParleyError extends Error {
  override readonly name = "ParleyError";
  readonly reason: ErrorReason;
  readonly field: string;
  readonly retryDelayMs: number | undefined;
  readonly upstream: UpstreamError | undefined;
  readonly exclusions: readonly Exclusion[];
  readonly isLasting: boolean;

  constructor(reason: ReasonName, message: string, details: ErrorDetails = {}) {
    // Sentences of our own may hold words of a provider: what looks like a key there may be a model's name.
    super(redactRemembered(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.reason = ErrorReason[reason];
    this.field = details.field ?? "";
    this.retryDelayMs = details.retryDelayMs;
    this.exclusions = details.exclusions ?? [];
    this.isLasting = details.isLasting ?? false;
    const { upstream } = details;
    this.upstream = upstream ? create(UpstreamErrorSchema, { ...upstream, ...redactedTexts(upstream) }) : undefined;
  }

  /** Its row in the catalogue. */
  get row(): ErrorRow {
    return errorRow(this.reason);
  }

  /** Anything that was thrown, as a `ParleyError`: what is not one is `GATEWAY_INTERNAL`, its text kept as cause only. */
  static from(thrown: unknown): ParleyError {
    if (thrown instanceof ParleyError) return thrown;
    return new ParleyError("GATEWAY_INTERNAL", "Cannot finish the request: the gateway met a defect of its own", {
      cause: thrown,
    });
  }
}

function redactedTexts(upstream: NonNullable<ErrorDetails["upstream"]>) {
  const { type = "", code = "", param = "", message = "", requestId = "" } = upstream;
  return {
    type: redact(type),
    code: redact(code),
    param: redact(param),
    message: shorten(redact(message), 512),
    requestId: redactRemembered(requestId), // an opaque word by nature
  };
}

/** What only the request's end knows about its error. */
export interface ErrorContext {
  readonly requestId: string;
  readonly errorId: string;
  /** Whether content was delivered. */
  readonly contentDelivered: boolean;
  readonly attempts: readonly FailedAttempt[];
}

const MAX_ENCODED_BYTES = 4096;

/** The contract's message for an error, at most 4 KiB when encoded: larger trailers get lost on the way. */
export function toGatewayError(error: ParleyError, context: ErrorContext): GatewayError {
  const message = create(GatewayErrorSchema, {
    reason: error.reason,
    fault: error.row.fault,
    message: shorten(error.message, 1024),
    field: shorten(error.field, 256),
    retryable: error.row.retryable,
    safeToRetry: !context.contentDelivered,
    attempts: context.attempts.slice(-5),
    exclusions: error.exclusions.slice(0, 8),
    requestId: context.requestId,
    errorId: context.errorId,
    ...(error.retryDelayMs === undefined ? {} : { retryDelayMs: Math.ceil(error.retryDelayMs) }),
    ...(error.upstream ? { upstream: error.upstream } : {}),
  });
  if (toBinary(GatewayErrorSchema, message).length > MAX_ENCODED_BYTES) {
    message.exclusions = message.exclusions.slice(0, 2);
    if (message.upstream) message.upstream.message = shorten(message.upstream.message, 128);
    message.message = shorten(message.message, 256);
    message.attempts = message.attempts.slice(-2);
  }
  return message;
}
