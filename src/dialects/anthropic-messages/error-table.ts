import type { ReasonName } from "../../errors/index.ts";

// What providers say, in lower case, and what it means. Codes go before types, types before statuses. Source:
// https://platform.claude.com/docs/en/api/errors.

const BY_CODE: ReadonlyMap<string, ReasonName> = new Map<string, ReasonName>([
  ["organization_on_hold", "PROVIDER_BILLING"],
  ["enforced_spend_limit_reached", "PROVIDER_BILLING"],
  ["contract_spend_limit_reached", "PROVIDER_BILLING"],
  ["ramp_limit_exceeded", "PROVIDER_RATE_LIMITED"],
  ["tool_name_conflict", "INVALID_REQUEST"],
  ["thread_not_found", "NOT_FOUND"],
  ["thread_continue_in_flight", "CONFLICT"],
  ["container_not_found", "NOT_FOUND"],
  ["container_expired", "NOT_FOUND"],
  ["file_not_found", "NOT_FOUND"],
  ["model_not_found", "MODEL_NOT_FOUND"],
  ["model_deprecated", "MODEL_RETIRED"],
  ["context_length_exceeded", "CONTEXT_TOO_LONG"],
]);

// invalid_request_error is missing on purpose: it comes with mistakes of all kinds. The words in capitals are those of
// the cloud that also serves this format.
const BY_TYPE: ReadonlyMap<string, ReasonName> = new Map<string, ReasonName>([
  ["authentication_error", "PROVIDER_CREDENTIAL"],
  ["permission_error", "PROVIDER_ACCESS"],
  ["billing_error", "PROVIDER_BILLING"],
  ["not_found_error", "MODEL_NOT_FOUND"],
  ["request_too_large", "REQUEST_TOO_LARGE"],
  ["rate_limit_error", "PROVIDER_RATE_LIMITED"],
  ["overloaded_error", "PROVIDER_OVERLOADED"],
  ["timeout_error", "PROVIDER_TIMEOUT"],
  ["conflict_error", "CONFLICT"],
  ["api_error", "PROVIDER_ERROR"],
  ["unauthenticated", "PROVIDER_CREDENTIAL"],
  ["permission_denied", "PROVIDER_ACCESS"],
  ["not_found", "MODEL_NOT_FOUND"],
  ["resource_exhausted", "PROVIDER_RATE_LIMITED"],
  ["unavailable", "PROVIDER_OVERLOADED"],
  ["deadline_exceeded", "PROVIDER_TIMEOUT"],
  ["internal", "PROVIDER_ERROR"],
]);

const BY_STATUS: ReadonlyMap<number, ReasonName> = new Map<number, ReasonName>([
  [401, "PROVIDER_CREDENTIAL"],
  [402, "PROVIDER_BILLING"],
  [403, "PROVIDER_ACCESS"],
  [404, "MODEL_NOT_FOUND"],
  [405, "PROVIDER_ERROR"],
  [408, "PROVIDER_TIMEOUT"],
  [409, "CONFLICT"],
  [410, "MODEL_RETIRED"],
  [413, "REQUEST_TOO_LARGE"],
  [424, "PROVIDER_ERROR"],
  [425, "PROVIDER_ERROR"],
  [429, "PROVIDER_RATE_LIMITED"],
  [451, "PROVIDER_REGION"],
  [499, "PROVIDER_ERROR"],
  [503, "PROVIDER_OVERLOADED"],
  [504, "PROVIDER_TIMEOUT"],
  [522, "PROVIDER_TIMEOUT"],
  [524, "PROVIDER_TIMEOUT"],
  [529, "PROVIDER_OVERLOADED"],
]);

// Most mistakes come as invalid_request_error without a code: then only the sentence tells what routing must know.
const BY_TEXT: readonly (readonly [RegExp, ReasonName])[] = [
  [/prompt is too long|exceeds? (the )?context (limit|window)|too many (input )?tokens/i, "CONTEXT_TOO_LONG"],
  [/credit balance is too low/i, "PROVIDER_BILLING"],
  [/reached your specified \w+ usage limits/i, "PROVIDER_QUOTA"],
  [/organization has been disabled/i, "PROVIDER_ACCESS"],
  [/blocked by (our )?content filtering/i, "PROVIDER_CONTENT_BLOCKED"],
  [/(thinking|signature).{0,200}(cannot be modified|invalid `?signature)/i, "STATE_INVALID"],
  [/invalid `?(signature|data)`? in `?(redacted_)?thinking/i, "STATE_INVALID"],
  [/expected `?(redacted_)?thinking`?.{0,80}but found/i, "STATE_INVALID"],
  [/invalid `?encrypted_(index|content|stdout)/i, "STATE_INVALID"],
  [
    /could not (process|download) (the )?(image|pdf|document)|image exceeds|unable to (download|fetch) /i,
    "INVALID_MEDIA",
  ],
  [/extra inputs are not permitted|is deprecated for this model/i, "UNSUPPORTED_PARAMETER"],
  [
    /(is|are) not supported (for|by|on) this model|this model does not support|does not support assistant/i,
    "UNSUPPORTED_PARAMETER",
  ],
];

// A resource other than the model, under the type that both share.
const OTHER_RESOURCE = /\b(file|container|skill|thread|user profile)s?\b/i;

/** What a provider said, as far as it is known. */
export interface Signal {
  /** HTTP status, or the one that an error inside a 200 claims. Undefined: none. */
  readonly status: number | undefined;
  readonly code: string;
  readonly type: string;
  /** Only looked at where code and type leave it open. */
  readonly message: string;
}

/** The reason behind what a provider said. */
export function reasonOf(signal: Signal): ReasonName {
  const { status, message } = signal;
  const byCode = BY_CODE.get(signal.code.toLowerCase());
  if (byCode) return byCode;
  const type = signal.type.toLowerCase();
  const byType = BY_TYPE.get(type);
  if (byType === "MODEL_NOT_FOUND") return OTHER_RESOURCE.test(withoutModel(message)) ? "NOT_FOUND" : byType;
  // A fault of the server is of the kind that its status tells, where it tells one.
  if (byType === "PROVIDER_ERROR" && status !== undefined && status >= 500) return BY_STATUS.get(status) ?? byType;
  if (byType) return byType;
  const isCallers = status === undefined || status === 400 || status === 422;
  if (isCallers) {
    const byText = BY_TEXT.find(([pattern]) => pattern.test(message));
    if (byText) return byText[1];
  }
  if (status === undefined) return type.startsWith("invalid_") ? "INVALID_REQUEST" : "PROVIDER_ERROR";
  return BY_STATUS.get(status) ?? (status >= 400 && status < 500 ? "INVALID_REQUEST" : "PROVIDER_ERROR");
}

// "model: x" names the model in the caller's own words, which say nothing about what is missing.
function withoutModel(message: string): string {
  return /^\s*model\b/i.test(message) ? "" : message;
}
