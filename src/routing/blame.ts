import type { ReasonName } from "../errors/index.ts";

/** Whose failure an attempt's error is, and so what rests after it. */
export type Blame =
  /** The target failed or could not be reached: its breaker counts it. */
  | "target"
  /** The account may not use the model, or it is gone: the target alone is quarantined. */
  | "model"
  /** The account is asked too often: the credential cools. */
  | "rate"
  /** The account cannot be used: the credential is quarantined. */
  | "credential"
  /** The request, its caller or the gateway: it tells nothing about the target. */
  | "nobody";

/** Whose failure each reason is. A reason without a row does not compile. */
export const BLAME = {
  INVALID_REQUEST: "nobody",
  UNSUPPORTED_PARAMETER: "nobody",
  UNSUPPORTED_CAPABILITY: "nobody",
  CONTEXT_TOO_LONG: "nobody",
  REQUEST_TOO_LARGE: "nobody",
  INVALID_MEDIA: "nobody",
  STATE_INVALID: "nobody",
  STATE_NOT_PORTABLE: "nobody",
  MODEL_NOT_FOUND: "model",
  // A 404 about anything but the model, such as a file: the caller named it.
  NOT_FOUND: "nobody",
  CANCELLED: "nobody",
  DEADLINE_EXCEEDED: "nobody",
  CONFLICT: "nobody",
  UNAUTHENTICATED: "nobody",
  PERMISSION_DENIED: "nobody",
  MODEL_NOT_ALLOWED: "nobody",
  RATE_LIMITED: "nobody",
  BUDGET_EXCEEDED: "nobody",
  CONTENT_BLOCKED: "nobody",
  NO_ELIGIBLE_TARGET: "nobody",
  PROVIDER_CREDENTIAL: "credential",
  // Providers say 403 about a model and about an account alike: of the latter a second model tells.
  PROVIDER_ACCESS: "model",
  PROVIDER_BILLING: "credential",
  PROVIDER_RATE_LIMITED: "rate",
  PROVIDER_QUOTA: "credential",
  PROVIDER_OVERLOADED: "target",
  PROVIDER_ERROR: "target",
  PROVIDER_TIMEOUT: "target",
  PROVIDER_UNREACHABLE: "target",
  PROVIDER_BAD_OUTPUT: "target",
  PROVIDER_CONTENT_BLOCKED: "nobody",
  PROVIDER_REGION: "model",
  MODEL_NOT_READY: "target",
  MODEL_RETIRED: "model",
  STREAM_INTERRUPTED: "target",
  GATEWAY_OVERLOADED: "nobody",
  GATEWAY_INTERNAL: "nobody",
  TRANSLATION_DEFECT: "nobody",
  MISCONFIGURED: "nobody",
  DRAINING: "nobody",
  NOT_IMPLEMENTED: "nobody",
  ATTEMPTS_EXHAUSTED: "nobody",
} as const satisfies Record<ReasonName, Blame>;
