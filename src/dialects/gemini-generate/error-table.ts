import type { ReasonName } from "../../errors/index.ts";

// What the service says and what it means. Reasons of ErrorInfo go before statuses, statuses before HTTP: an invalid key
// comes as INVALID_ARGUMENT with HTTP 400. Sources: https://ai.google.dev/gemini-api/docs/troubleshooting,
// https://docs.cloud.google.com/apis/design/errors, and recorded errors.

const BY_REASON: ReadonlyMap<string, ReasonName> = new Map<string, ReasonName>([
  ["API_KEY_INVALID", "PROVIDER_CREDENTIAL"],
  ["API_KEY_EXPIRED", "PROVIDER_CREDENTIAL"],
  ["API_KEY_SERVICE_BLOCKED", "PROVIDER_CREDENTIAL"],
  ["API_KEY_HTTP_REFERRER_BLOCKED", "PROVIDER_CREDENTIAL"],
  ["API_KEY_IP_ADDRESS_BLOCKED", "PROVIDER_CREDENTIAL"],
  ["CREDENTIALS_MISSING", "PROVIDER_CREDENTIAL"],
  ["ACCESS_TOKEN_EXPIRED", "PROVIDER_CREDENTIAL"],
  ["ACCESS_TOKEN_SCOPE_INSUFFICIENT", "PROVIDER_CREDENTIAL"],
  ["ACCESS_TOKEN_TYPE_UNSUPPORTED", "PROVIDER_CREDENTIAL"],
  ["ACCOUNT_STATE_INVALID", "PROVIDER_CREDENTIAL"],
  ["SERVICE_DISABLED", "PROVIDER_ACCESS"],
  ["CONSUMER_INVALID", "PROVIDER_ACCESS"],
  ["CONSUMER_SUSPENDED", "PROVIDER_ACCESS"],
  ["USER_PROJECT_DENIED", "PROVIDER_ACCESS"],
  ["IAM_PERMISSION_DENIED", "PROVIDER_ACCESS"],
  ["BILLING_DISABLED", "PROVIDER_BILLING"],
  ["LOCATION_POLICY_VIOLATED", "PROVIDER_REGION"],
]);

const BY_STATUS: ReadonlyMap<string, ReasonName> = new Map<string, ReasonName>([
  ["INVALID_ARGUMENT", "INVALID_REQUEST"],
  ["OUT_OF_RANGE", "INVALID_REQUEST"],
  ["ALREADY_EXISTS", "INVALID_REQUEST"],
  // What is left of it are demands on the account.
  ["FAILED_PRECONDITION", "PROVIDER_ACCESS"],
  ["UNAUTHENTICATED", "PROVIDER_CREDENTIAL"],
  ["PERMISSION_DENIED", "PROVIDER_ACCESS"],
  ["NOT_FOUND", "MODEL_NOT_FOUND"],
  ["RESOURCE_EXHAUSTED", "PROVIDER_RATE_LIMITED"],
  ["CANCELLED", "PROVIDER_ERROR"],
  ["ABORTED", "PROVIDER_ERROR"],
  ["UNKNOWN", "PROVIDER_ERROR"],
  ["INTERNAL", "PROVIDER_ERROR"],
  ["DATA_LOSS", "PROVIDER_ERROR"],
  ["UNIMPLEMENTED", "PROVIDER_ERROR"],
  ["UNAVAILABLE", "PROVIDER_OVERLOADED"],
  ["DEADLINE_EXCEEDED", "PROVIDER_TIMEOUT"],
]);

const BY_HTTP: ReadonlyMap<number, ReasonName> = new Map<number, ReasonName>([
  [401, "PROVIDER_CREDENTIAL"],
  [402, "PROVIDER_BILLING"],
  [403, "PROVIDER_ACCESS"],
  [404, "MODEL_NOT_FOUND"],
  [405, "PROVIDER_ERROR"],
  [408, "PROVIDER_TIMEOUT"],
  [409, "PROVIDER_ERROR"],
  [410, "MODEL_RETIRED"],
  [413, "REQUEST_TOO_LARGE"],
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

type Hints = readonly (readonly [RegExp, ReasonName])[];

// The last resort: mistakes that routing must tell apart and for which the service has one status only.
const BY_TEXT: ReadonlyMap<string, Hints> = new Map<string, Hints>([
  [
    "INVALID_ARGUMENT",
    [
      [/token count.{0,80}exceeds|exceeds the maximum number of tokens|context (length|window)/i, "CONTEXT_TOO_LONG"],
      [/thought[_ ]?signature/i, "STATE_INVALID"],
      [/api key (not valid|not found|expired)|pass a valid api key/i, "PROVIDER_CREDENTIAL"],
      [/(request payload|payload) size exceeds|request (is )?too large/i, "REQUEST_TOO_LARGE"],
      [/cannot fetch content|unable to process input|(image|video|audio|document|file) is not valid/i, "INVALID_MEDIA"],
      [/unsupported (mime|file uri)|no pages|mime ?type/i, "INVALID_MEDIA"],
      [
        /(calling|modality|modalities|tools?|search|code execution) (is|are) not (enabled|supported)/i,
        "UNSUPPORTED_CAPABILITY",
      ],
      [/(is|are) not (enabled|supported)|does not support|unknown name|only supports/i, "UNSUPPORTED_PARAMETER"],
    ],
  ],
  [
    "FAILED_PRECONDITION",
    [
      [/location|region|country/i, "PROVIDER_REGION"],
      [/billing|free tier|prepay|credit/i, "PROVIDER_BILLING"],
      [/precondition check failed|model/i, "INVALID_REQUEST"],
    ],
  ],
  ["PERMISSION_DENIED", [[/unregistered callers|api key|credential|leaked/i, "PROVIDER_CREDENTIAL"]]],
  [
    "RESOURCE_EXHAUSTED",
    [
      [/prepay|credits? (are|is) depleted|spending cap|billing account/i, "PROVIDER_BILLING"],
      [/per day|daily/i, "PROVIDER_QUOTA"],
    ],
  ],
  ["NOT_FOUND", [[/no longer available|retired|discontinued|been shut down/i, "MODEL_RETIRED"]]],
]);

/** What the service said, as far as it is known. */
export interface Signal {
  /** HTTP status, or the one that an error inside a 200 claims. Undefined: none. */
  readonly httpStatus: number | undefined;
  /** The status's name, for example `RESOURCE_EXHAUSTED`. */
  readonly status: string;
  /** The reason of its ErrorInfo, for example `API_KEY_INVALID`. */
  readonly reason: string;
  /** The ids of the quotas that were exceeded. */
  readonly quotaIds: readonly string[];
  /** Only looked at where nothing else tells. */
  readonly message: string;
}

/** The reason behind what the service said. */
export function reasonOf({ httpStatus, status, reason, quotaIds, message }: Signal): ReasonName {
  const byReason = BY_REASON.get(reason);
  if (byReason) return byReason;
  if (quotaIds.some((id) => /per_?day/i.test(id))) return "PROVIDER_QUOTA";
  if (quotaIds.length > 0) return "PROVIDER_RATE_LIMITED";
  const named = status === "" ? statusOfHttp(httpStatus) : status;
  const hint = BY_TEXT.get(named)?.find(([pattern]) => pattern.test(message));
  if (hint) return hint[1];
  const byStatus = BY_STATUS.get(status);
  if (byStatus) return byStatus;
  if (httpStatus === undefined) return "PROVIDER_ERROR";
  return BY_HTTP.get(httpStatus) ?? (httpStatus >= 400 && httpStatus < 500 ? "INVALID_REQUEST" : "PROVIDER_ERROR");
}

function statusOfHttp(httpStatus: number | undefined): string {
  if (httpStatus === 400) return "INVALID_ARGUMENT";
  if (httpStatus === 403) return "PERMISSION_DENIED";
  if (httpStatus === 404) return "NOT_FOUND";
  return httpStatus === 429 ? "RESOURCE_EXHAUSTED" : "";
}
