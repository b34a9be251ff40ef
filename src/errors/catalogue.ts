import { Code } from "@connectrpc/connect";
import { ErrorReason, Fault } from "../contract/index.ts";

/** How one reason looks on every surface, and what a caller should do about it. */
export interface ErrorRow {
  /** Connect and gRPC status. */
  readonly code: Code;
  /** HTTP status on the REST surfaces. */
  readonly httpStatus: number;
  /** OpenAI's `error.type`. */
  readonly openaiType: string;
  /** OpenAI's `error.code` where it has one that applications branch on, else undefined: our reason in snake_case. */
  readonly openaiCode?: string;
  readonly fault: Fault;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** Whether another target may be tried before any content was delivered. */
  readonly failover: "next_target" | "larger_context" | "never";
}

/** A reason's name without its prefix, for example `MODEL_NOT_FOUND`. */
export type ReasonName = Exclude<keyof typeof ErrorReason, "UNSPECIFIED">;

const caller = {
  openaiType: "invalid_request_error",
  fault: Fault.CALLER,
  retryable: false,
  failover: "never",
} as const;
const policy = { openaiType: "permission_error", fault: Fault.POLICY, retryable: false, failover: "never" } as const;
const operator = {
  openaiType: "server_error",
  fault: Fault.OPERATOR,
  retryable: false,
  failover: "next_target",
} as const;
const provider = {
  openaiType: "server_error",
  fault: Fault.PROVIDER,
  retryable: true,
  failover: "next_target",
} as const;
const gateway = { openaiType: "server_error", fault: Fault.GATEWAY, retryable: true, failover: "never" } as const;

/** Every reason and its row. A reason without a row does not compile. */
export const CATALOGUE = {
  INVALID_REQUEST: { ...caller, code: Code.InvalidArgument, httpStatus: 400 },
  UNSUPPORTED_PARAMETER: {
    ...caller,
    code: Code.InvalidArgument,
    httpStatus: 400,
    openaiCode: "unsupported_parameter",
  },
  UNSUPPORTED_CAPABILITY: { ...caller, code: Code.FailedPrecondition, httpStatus: 400, failover: "next_target" },
  CONTEXT_TOO_LONG: {
    ...caller,
    code: Code.InvalidArgument,
    httpStatus: 400,
    openaiCode: "context_length_exceeded",
    failover: "larger_context",
  },
  REQUEST_TOO_LARGE: { ...caller, code: Code.ResourceExhausted, httpStatus: 413 },
  INVALID_MEDIA: { ...caller, code: Code.InvalidArgument, httpStatus: 400, openaiCode: "invalid_image_format" },
  STATE_INVALID: { ...caller, code: Code.FailedPrecondition, httpStatus: 400 },
  STATE_NOT_PORTABLE: { ...caller, code: Code.FailedPrecondition, httpStatus: 400 },
  MODEL_NOT_FOUND: {
    ...caller,
    code: Code.NotFound,
    httpStatus: 404,
    openaiCode: "model_not_found",
    failover: "next_target",
  },
  NOT_FOUND: { ...caller, code: Code.NotFound, httpStatus: 404 },
  CANCELLED: { ...caller, code: Code.Canceled, httpStatus: 499 },
  DEADLINE_EXCEEDED: { ...caller, code: Code.DeadlineExceeded, httpStatus: 504 },
  CONFLICT: { ...caller, code: Code.Aborted, httpStatus: 409 },
  UNAUTHENTICATED: {
    ...caller,
    code: Code.Unauthenticated,
    httpStatus: 401,
    openaiType: "authentication_error",
    openaiCode: "invalid_api_key",
  },
  PERMISSION_DENIED: { ...caller, code: Code.PermissionDenied, httpStatus: 403, openaiType: "permission_error" },
  MODEL_NOT_ALLOWED: { ...policy, code: Code.PermissionDenied, httpStatus: 403 },
  // Within a request it is a target that may not be called now: others may.
  RATE_LIMITED: {
    ...policy,
    failover: "next_target",
    code: Code.ResourceExhausted,
    httpStatus: 429,
    openaiType: "rate_limit_error",
    openaiCode: "rate_limit_exceeded",
    retryable: true,
  },
  BUDGET_EXCEEDED: {
    ...policy,
    code: Code.FailedPrecondition,
    httpStatus: 402,
    openaiType: "insufficient_quota",
    openaiCode: "insufficient_quota",
  },
  CONTENT_BLOCKED: { ...policy, code: Code.PermissionDenied, httpStatus: 403, openaiCode: "content_filter" },
  NO_ELIGIBLE_TARGET: {
    ...policy,
    code: Code.FailedPrecondition,
    httpStatus: 422,
    openaiType: "invalid_request_error",
  },
  PROVIDER_CREDENTIAL: { ...operator, code: Code.Unavailable, httpStatus: 503 },
  PROVIDER_ACCESS: { ...operator, code: Code.Unavailable, httpStatus: 503 },
  PROVIDER_BILLING: { ...operator, code: Code.Unavailable, httpStatus: 503 },
  PROVIDER_RATE_LIMITED: {
    ...provider,
    code: Code.ResourceExhausted,
    httpStatus: 429,
    openaiType: "rate_limit_error",
    openaiCode: "rate_limit_exceeded",
  },
  PROVIDER_QUOTA: {
    ...operator,
    code: Code.ResourceExhausted,
    httpStatus: 429,
    openaiType: "insufficient_quota",
    openaiCode: "insufficient_quota",
  },
  PROVIDER_OVERLOADED: { ...provider, code: Code.Unavailable, httpStatus: 503 },
  PROVIDER_ERROR: { ...provider, code: Code.Unavailable, httpStatus: 502 },
  PROVIDER_TIMEOUT: { ...provider, code: Code.Unavailable, httpStatus: 504 },
  PROVIDER_UNREACHABLE: { ...provider, code: Code.Unavailable, httpStatus: 502 },
  PROVIDER_BAD_OUTPUT: { ...provider, code: Code.Unavailable, httpStatus: 502 },
  // The next provider is not asked to say what this one refused: that would launder policy.
  PROVIDER_CONTENT_BLOCKED: {
    ...caller,
    code: Code.PermissionDenied,
    httpStatus: 400,
    openaiCode: "content_filter",
  },
  PROVIDER_REGION: { ...operator, code: Code.FailedPrecondition, httpStatus: 503 },
  MODEL_NOT_READY: { ...provider, code: Code.Unavailable, httpStatus: 503 },
  MODEL_RETIRED: { ...operator, code: Code.FailedPrecondition, httpStatus: 410, openaiCode: "model_not_found" },
  STREAM_INTERRUPTED: { ...provider, code: Code.Unavailable, httpStatus: 502 },
  GATEWAY_OVERLOADED: { ...gateway, code: Code.ResourceExhausted, httpStatus: 503 },
  GATEWAY_INTERNAL: { ...gateway, code: Code.Internal, httpStatus: 500, retryable: false },
  TRANSLATION_DEFECT: { ...gateway, code: Code.Internal, httpStatus: 500, retryable: false, failover: "next_target" },
  MISCONFIGURED: {
    ...gateway,
    code: Code.FailedPrecondition,
    httpStatus: 500,
    fault: Fault.OPERATOR,
    retryable: false,
  },
  DRAINING: { ...gateway, code: Code.Unavailable, httpStatus: 503 },
  NOT_IMPLEMENTED: { ...caller, code: Code.Unimplemented, httpStatus: 501 },
  ATTEMPTS_EXHAUSTED: { ...gateway, code: Code.Unavailable, httpStatus: 503 },
} as const satisfies Record<ReasonName, ErrorRow>;

const names = new Map<number, ReasonName>(
  Object.entries(ErrorReason)
    .filter(([name]) => name !== "UNSPECIFIED")
    .map(([name, value]) => [value, name as ReasonName]),
);

/** The name of a reason; an unknown number counts as `GATEWAY_INTERNAL`. */
export function reasonName(reason: ErrorReason): ReasonName {
  return names.get(reason) ?? "GATEWAY_INTERNAL";
}

/** The row of a reason. */
export function errorRow(reason: ErrorReason): ErrorRow {
  return CATALOGUE[reasonName(reason)];
}
