import type { ReasonName } from "../../errors/index.ts";

// What providers say, in lower case, and what it means. Codes go before types, types before statuses: OpenAI sends the
// type invalid_request_error with 401, and others send a type alone. Sources: the vendors' error pages.

const BY_CODE: ReadonlyMap<string, ReasonName> = new Map<string, ReasonName>([
  ["context_length_exceeded", "CONTEXT_TOO_LONG"],
  ["context_window_exceeded", "CONTEXT_TOO_LONG"],
  ["exceed_context_size_error", "CONTEXT_TOO_LONG"],
  ["unsupported_parameter", "UNSUPPORTED_PARAMETER"],
  ["unsupported_value", "UNSUPPORTED_PARAMETER"],
  ["unknown_parameter", "UNSUPPORTED_PARAMETER"],
  ["extra_forbidden", "UNSUPPORTED_PARAMETER"],
  ["model_not_found", "MODEL_NOT_FOUND"],
  ["model_not_available", "MODEL_NOT_FOUND"],
  ["model_not_exist", "MODEL_NOT_FOUND"],
  ["deploymentnotfound", "MODEL_NOT_FOUND"],
  ["unknown_model", "MODEL_NOT_FOUND"],
  ["resource_not_found_error", "MODEL_NOT_FOUND"],
  ["model_decommissioned", "MODEL_RETIRED"],
  ["model_deprecated", "MODEL_RETIRED"],
  ["model_not_ready", "MODEL_NOT_READY"],
  ["model_loading", "MODEL_NOT_READY"],
  ["content_filter", "PROVIDER_CONTENT_BLOCKED"],
  ["content_policy_violation", "PROVIDER_CONTENT_BLOCKED"],
  ["responsibleaipolicyviolation", "PROVIDER_CONTENT_BLOCKED"],
  ["data_inspection_failed", "PROVIDER_CONTENT_BLOCKED"],
  ["invalid_prompt", "PROVIDER_CONTENT_BLOCKED"],
  ["moderation_blocked", "PROVIDER_CONTENT_BLOCKED"],
  ["insufficient_quota", "PROVIDER_BILLING"],
  ["insufficient_balance", "PROVIDER_BILLING"],
  ["billing_hard_limit_reached", "PROVIDER_BILLING"],
  ["billing_not_active", "PROVIDER_BILLING"],
  ["exceeded_current_quota_error", "PROVIDER_BILLING"],
  ["rate_limit_exceeded", "PROVIDER_RATE_LIMITED"],
  ["rate_limit_reached_error", "PROVIDER_RATE_LIMITED"],
  ["too_many_requests", "PROVIDER_RATE_LIMITED"],
  ["capacity_exceeded", "PROVIDER_RATE_LIMITED"],
  ["quota_exceeded", "PROVIDER_QUOTA"],
  ["invalid_api_key", "PROVIDER_CREDENTIAL"],
  ["incorrect_api_key", "PROVIDER_CREDENTIAL"],
  ["account_deactivated", "PROVIDER_CREDENTIAL"],
  ["unsupported_country_region_territory", "PROVIDER_REGION"],
  ["data_residency_mismatch", "PROVIDER_REGION"],
  ["invalid_image_url", "INVALID_MEDIA"],
  ["invalid_image_format", "INVALID_MEDIA"],
  ["invalid_image", "INVALID_MEDIA"],
  ["invalid_base64_image", "INVALID_MEDIA"],
  ["image_parse_error", "INVALID_MEDIA"],
  ["failed_to_download_image", "INVALID_MEDIA"],
  ["image_too_large", "INVALID_MEDIA"],
  ["image_file_too_large", "INVALID_MEDIA"],
  ["invalid_encrypted_content", "STATE_INVALID"],
  ["request_too_large", "REQUEST_TOO_LARGE"],
  ["tool_use_failed", "PROVIDER_BAD_OUTPUT"],
  ["json_validate_failed", "PROVIDER_BAD_OUTPUT"],
  ["server_error", "PROVIDER_ERROR"],
  ["internal_server_error", "PROVIDER_ERROR"],
  ["internal_error", "PROVIDER_ERROR"],
  ["overloaded", "PROVIDER_OVERLOADED"],
  ["server_overloaded", "PROVIDER_OVERLOADED"],
  ["engine_overloaded", "PROVIDER_OVERLOADED"],
  ["engine_overloaded_error", "PROVIDER_OVERLOADED"],
  ["service_unavailable", "PROVIDER_OVERLOADED"],
  ["timeout", "PROVIDER_TIMEOUT"],
]);

// invalid_request_error is missing on purpose: it comes with every 4xx.
const BY_TYPE: ReadonlyMap<string, ReasonName> = new Map<string, ReasonName>([
  ["authentication_error", "PROVIDER_CREDENTIAL"],
  ["invalid_authentication_error", "PROVIDER_CREDENTIAL"],
  ["invalid_api_key", "PROVIDER_CREDENTIAL"],
  ["permission_error", "PROVIDER_ACCESS"],
  ["permission_denied_error", "PROVIDER_ACCESS"],
  ["billing_error", "PROVIDER_BILLING"],
  ["insufficient_quota", "PROVIDER_BILLING"],
  ["exceeded_current_quota_error", "PROVIDER_BILLING"],
  ["rate_limit_error", "PROVIDER_RATE_LIMITED"],
  ["rate_limited", "PROVIDER_RATE_LIMITED"],
  ["rate_limit_reached_error", "PROVIDER_RATE_LIMITED"],
  ["overloaded_error", "PROVIDER_OVERLOADED"],
  ["engine_overloaded_error", "PROVIDER_OVERLOADED"],
  ["not_found_error", "MODEL_NOT_FOUND"],
  ["invalid_model", "MODEL_NOT_FOUND"],
  ["resource_not_found_error", "MODEL_NOT_FOUND"],
  ["exceed_context_size_error", "CONTEXT_TOO_LONG"],
  ["content_filter", "PROVIDER_CONTENT_BLOCKED"],
  ["timeout_error", "PROVIDER_TIMEOUT"],
]);

const BY_STATUS: ReadonlyMap<number, ReasonName> = new Map<number, ReasonName>([
  [401, "PROVIDER_CREDENTIAL"],
  [402, "PROVIDER_BILLING"],
  [403, "PROVIDER_ACCESS"],
  [404, "MODEL_NOT_FOUND"],
  [405, "PROVIDER_ERROR"],
  [408, "PROVIDER_TIMEOUT"],
  [409, "PROVIDER_ERROR"],
  [410, "MODEL_RETIRED"],
  [413, "REQUEST_TOO_LARGE"],
  [424, "PROVIDER_ERROR"],
  [425, "PROVIDER_ERROR"],
  [429, "PROVIDER_RATE_LIMITED"],
  [451, "PROVIDER_REGION"],
  [498, "PROVIDER_RATE_LIMITED"], // Groq: the flex tier has no room
  [499, "PROVIDER_ERROR"],
  [503, "PROVIDER_OVERLOADED"],
  [504, "PROVIDER_TIMEOUT"],
  [522, "PROVIDER_TIMEOUT"],
  [524, "PROVIDER_TIMEOUT"],
  [529, "PROVIDER_OVERLOADED"],
]);

// The last resort, for providers whose code says nothing (DeepSeek, OpenRouter and others put the type or the status
// there): mistakes that routing must tell apart.
const BY_TEXT: readonly (readonly [RegExp, ReasonName])[] = [
  [
    /maximum context length|context (length|window|size)|prompt is too long|too many (input )?tokens/i,
    "CONTEXT_TOO_LONG",
  ],
  [/\bmodel\b.{0,200}\b(does not exist|not found|is not supported)\b/i, "MODEL_NOT_FOUND"],
  [/supported API model names are/i, "MODEL_NOT_FOUND"],
];

/** What a provider said, as far as it is known. */
export interface Signal {
  /** HTTP status, or the one that an error inside a 200 claims. Undefined: none. */
  readonly status: number | undefined;
  readonly code: string;
  readonly type: string;
  /** Only looked at where the code says nothing. */
  readonly message: string;
}

/** The reason behind what a provider said. */
export function reasonOf(signal: Signal): ReasonName {
  const { status } = signal;
  const byCode = BY_CODE.get(signal.code.toLowerCase());
  if (byCode) return byCode;
  const byType = BY_TYPE.get(signal.type.toLowerCase());
  if (byType) return byType;
  const isCallers = status === undefined || status === 400 || status === 404 || status === 422;
  if (isCallers && saysNothing(signal)) {
    const byText = BY_TEXT.find(([pattern]) => pattern.test(signal.message));
    if (byText) return byText[1];
  }
  if (status === undefined)
    return signal.type.toLowerCase() === "invalid_request_error" ? "INVALID_REQUEST" : "PROVIDER_ERROR";
  return BY_STATUS.get(status) ?? (status >= 400 && status < 500 ? "INVALID_REQUEST" : "PROVIDER_ERROR");
}

function saysNothing({ code, type }: Signal): boolean {
  return code === "" || code === type || /^\d+$/.test(code) || code === "invalid_request_error";
}
