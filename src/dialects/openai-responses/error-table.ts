import type { ReasonName } from "../../errors/index.ts";

// What providers say, in lower case, and what it means. Codes go before types, types before statuses: OpenAI sends the
// type invalid_request_error with 401, and others send a type alone. Sources: the vendors' error pages, and the codes of
// failed answers at https://platform.openai.com/docs/api-reference/responses/object#responses/object-error.

const BY_CODE: ReadonlyMap<string, ReasonName> = new Map<string, ReasonName>([
  ["context_length_exceeded", "CONTEXT_TOO_LONG"],
  ["context_window_exceeded", "CONTEXT_TOO_LONG"],
  ["string_above_max_length", "INVALID_REQUEST"],
  ["unsupported_parameter", "UNSUPPORTED_PARAMETER"],
  ["unsupported_value", "UNSUPPORTED_PARAMETER"],
  ["unknown_parameter", "UNSUPPORTED_PARAMETER"],
  ["model_not_found", "MODEL_NOT_FOUND"],
  ["model_not_available", "MODEL_NOT_FOUND"],
  ["deploymentnotfound", "MODEL_NOT_FOUND"],
  ["unknown_model", "MODEL_NOT_FOUND"],
  ["model_decommissioned", "MODEL_RETIRED"],
  ["model_deprecated", "MODEL_RETIRED"],
  ["model_not_ready", "MODEL_NOT_READY"],
  ["model_loading", "MODEL_NOT_READY"],
  ["content_filter", "PROVIDER_CONTENT_BLOCKED"],
  ["content_policy_violation", "PROVIDER_CONTENT_BLOCKED"],
  ["image_content_policy_violation", "PROVIDER_CONTENT_BLOCKED"],
  ["misalignment_policy_violation", "PROVIDER_CONTENT_BLOCKED"],
  ["responsibleaipolicyviolation", "PROVIDER_CONTENT_BLOCKED"],
  ["bio_policy", "PROVIDER_CONTENT_BLOCKED"],
  ["cyber_policy", "PROVIDER_CONTENT_BLOCKED"],
  ["invalid_prompt", "PROVIDER_CONTENT_BLOCKED"],
  ["moderation_blocked", "PROVIDER_CONTENT_BLOCKED"],
  ["insufficient_quota", "PROVIDER_BILLING"],
  ["insufficient_balance", "PROVIDER_BILLING"],
  ["billing_hard_limit_reached", "PROVIDER_BILLING"],
  ["billing_not_active", "PROVIDER_BILLING"],
  ["usage_limit_reached", "PROVIDER_QUOTA"],
  ["quota_exceeded", "PROVIDER_QUOTA"],
  ["rate_limit_exceeded", "PROVIDER_RATE_LIMITED"],
  ["too_many_requests", "PROVIDER_RATE_LIMITED"],
  ["invalid_api_key", "PROVIDER_CREDENTIAL"],
  ["incorrect_api_key", "PROVIDER_CREDENTIAL"],
  ["account_deactivated", "PROVIDER_CREDENTIAL"],
  ["unsupported_country_region_territory", "PROVIDER_REGION"],
  ["data_residency_mismatch", "PROVIDER_REGION"],
  ["invalid_image", "INVALID_MEDIA"],
  ["invalid_image_format", "INVALID_MEDIA"],
  ["invalid_image_mode", "INVALID_MEDIA"],
  ["invalid_image_url", "INVALID_MEDIA"],
  ["invalid_base64_image", "INVALID_MEDIA"],
  ["image_too_large", "INVALID_MEDIA"],
  ["image_too_small", "INVALID_MEDIA"],
  ["image_parse_error", "INVALID_MEDIA"],
  ["image_file_too_large", "INVALID_MEDIA"],
  ["image_file_not_found", "INVALID_MEDIA"],
  ["empty_image_file", "INVALID_MEDIA"],
  ["unsupported_image_media_type", "INVALID_MEDIA"],
  ["failed_to_download_image", "INVALID_MEDIA"],
  ["failed_to_download_file", "INVALID_MEDIA"],
  ["unsupported_file", "INVALID_MEDIA"],
  ["invalid_encrypted_content", "STATE_INVALID"],
  ["previous_response_not_found", "STATE_INVALID"],
  ["item_not_found", "STATE_INVALID"],
  ["request_too_large", "REQUEST_TOO_LARGE"],
  ["server_error", "PROVIDER_ERROR"],
  ["internal_server_error", "PROVIDER_ERROR"],
  ["internal_error", "PROVIDER_ERROR"],
  ["vector_store_timeout", "PROVIDER_TIMEOUT"],
  ["timeout", "PROVIDER_TIMEOUT"],
  ["overloaded", "PROVIDER_OVERLOADED"],
  ["server_is_overloaded", "PROVIDER_OVERLOADED"],
  ["slow_down", "PROVIDER_OVERLOADED"],
  ["engine_overloaded", "PROVIDER_OVERLOADED"],
  ["service_unavailable", "PROVIDER_OVERLOADED"],
]);

// invalid_request_error is missing on purpose: it comes with every 4xx.
const BY_TYPE: ReadonlyMap<string, ReasonName> = new Map<string, ReasonName>([
  ["authentication_error", "PROVIDER_CREDENTIAL"],
  ["permission_error", "PROVIDER_ACCESS"],
  ["billing_error", "PROVIDER_BILLING"],
  ["insufficient_quota", "PROVIDER_BILLING"],
  ["rate_limit_error", "PROVIDER_RATE_LIMITED"],
  ["too_many_requests", "PROVIDER_RATE_LIMITED"],
  ["overloaded_error", "PROVIDER_OVERLOADED"],
  ["service_unavailable_error", "PROVIDER_OVERLOADED"],
  ["not_found_error", "MODEL_NOT_FOUND"],
  ["image_generation_user_error", "PROVIDER_CONTENT_BLOCKED"],
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
  [499, "PROVIDER_ERROR"],
  [503, "PROVIDER_OVERLOADED"],
  [504, "PROVIDER_TIMEOUT"],
  [522, "PROVIDER_TIMEOUT"],
  [524, "PROVIDER_TIMEOUT"],
  [529, "PROVIDER_OVERLOADED"],
]);

// The last resort, for answers whose code says nothing: mistakes that routing must tell apart.
const BY_TEXT: readonly (readonly [RegExp, ReasonName])[] = [
  [/\bitem with id\b.{0,200}\bnot found\b|items are not persisted/i, "STATE_INVALID"],
  [/\bwithout its required\b|encrypted content (?:could not be|for item)/i, "STATE_INVALID"],
  [
    /maximum context length|context (length|window|size)|prompt is too long|too many (input )?tokens/i,
    "CONTEXT_TOO_LONG",
  ],
  [/\b(incorrect|invalid|wrong) api key\b/i, "PROVIDER_CREDENTIAL"],
  [/\bmodel\b.{0,200}\b(does not exist|not found|is not supported)\b/i, "MODEL_NOT_FOUND"],
];

// Words that stand beside every mistake of a caller, in the vendors' spellings.
const SAYS_NOTHING: ReadonlySet<string> = new Set([
  "",
  "invalid_request_error",
  "invalid-argument",
  "invalid_argument",
]);

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
  const code = signal.code.toLowerCase();
  const type = signal.type.toLowerCase();
  const known = BY_CODE.get(code) ?? BY_TYPE.get(type);
  if (known) return known;
  const isCallers = status === undefined || status === 400 || status === 404 || status === 422;
  if (isCallers && (SAYS_NOTHING.has(code) || code === type || /^\d+$/.test(code))) {
    const byText = BY_TEXT.find(([pattern]) => pattern.test(signal.message));
    if (byText) return byText[1];
  }
  if (status === undefined) return type === "invalid_request_error" ? "INVALID_REQUEST" : "PROVIDER_ERROR";
  return BY_STATUS.get(status) ?? (status >= 400 && status < 500 ? "INVALID_REQUEST" : "PROVIDER_ERROR");
}
