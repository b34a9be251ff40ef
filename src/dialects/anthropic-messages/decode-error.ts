import type { ParleyError, ReasonName } from "../../errors/index.ts";
import type { DialectTarget, ErrorResponse } from "../dialect.ts";
import { firstHeader } from "../first-header.ts";
import {
  claimedStatus,
  firstOf,
  membersOf,
  parseErrorBody,
  providerError,
  sentenceOf,
  wordOf,
  type ErrorEnvelope,
} from "../native-error.ts";
import { retryDelayMs } from "../retry-delay.ts";
import { fieldOf, isOurDefect, paramOf } from "./error-fields.ts";
import { reasonOf, type Signal } from "./error-table.ts";

const REQUEST_ID_HEADERS = ["request-id", "x-request-id", "x-goog-request-id", "x-amzn-requestid"];

interface NativeError extends Signal {
  readonly param: string;
  readonly requestId: string;
}

/** The id that the upstream gave the call, undefined where it told none. */
export function requestId(headers: ErrorResponse["headers"]): string | undefined {
  return firstHeader(headers, REQUEST_ID_HEADERS);
}

/** The typed error behind an answer whose status is not 2xx. Never throws. */
export function decodeError(response: ErrorResponse, target: DialectTarget): ParleyError {
  const { status, headers, nowMs } = response;
  const native = nativeError(parseErrorBody(response.body), status);
  const delay = retryDelayMs(headers, nowMs) ?? limitDelayMs(headers, nowMs);
  const reason = adviseRetry(classify(native), native, headers["x-should-retry"]);
  const fromHeader = requestId(headers);
  return makeError(reason, { ...native, requestId: fromHeader ?? native.requestId }, target, {
    ...(delay === undefined ? {} : { retryDelayMs: delay }),
    httpStatus: status,
  });
}

/** The typed error behind the body of an error that came with status 200, or within a stream. */
export function errorFromBody(body: unknown, target: DialectTarget): ParleyError {
  const native = nativeError(body, undefined);
  return makeError(classify(native), native, target, {});
}

// Requests and tokens have limits of their own; of those with nothing left the latest reset counts.
function limitDelayMs(headers: ErrorResponse["headers"], nowMs: number): number | undefined {
  const delays = ["requests", "tokens", "input-tokens", "output-tokens"].flatMap((kind) => {
    const prefix = `anthropic-ratelimit-${kind}`;
    const reset = headers[`${prefix}-reset`];
    if (reset === undefined || headers[`${prefix}-remaining`] !== "0") return [];
    return retryDelayMs({ "x-ratelimit-reset": reset }, nowMs) ?? [];
  });
  return delays.length > 0 ? Math.max(...delays) : undefined;
}

function nativeError(body: unknown, httpStatus: number | undefined): NativeError {
  const outer = membersOf(firstOf(body));
  const nested = outer["error"];
  const inner = typeof nested === "object" && nested !== null ? membersOf(nested) : outer;
  const message = typeof nested === "string" ? nested : sentenceOf(inner["message"]);
  return {
    status: httpStatus ?? claimedStatus(inner["status"], inner["status_code"], inner["code"]),
    code: wordOf(membersOf(inner["details"])["error_code"]) || wordCode(inner["code"]),
    // A cloud that serves this format has a word for its status instead.
    type: wordOf(inner === outer ? undefined : inner["type"]) || wordOf(inner["status"]),
    param: paramOf(message),
    message,
    requestId: wordOf(outer["request_id"]),
  };
}

function classify(native: NativeError): ReasonName {
  const reason = reasonOf(native);
  // The model is there, for others: it is the operator's account that may not use it.
  if (reason === "MODEL_NOT_FOUND" && native.status === 403) return "PROVIDER_ACCESS";
  const isAboutField = reason === "UNSUPPORTED_PARAMETER" || reason === "INVALID_REQUEST";
  return isAboutField && isOurDefect(native.param) ? "TRANSLATION_DEFECT" : reason;
}

// The provider says outright whether a retry helps. It matters where its words leave it open.
function adviseRetry(reason: ReasonName, { status, code }: NativeError, advice: string | undefined): ReasonName {
  if (advice === "true" && reason === "INVALID_REQUEST" && code === "") return "PROVIDER_ERROR";
  if (advice === "false" && status === 429 && code === "" && reason === "PROVIDER_RATE_LIMITED")
    return "PROVIDER_QUOTA";
  return reason;
}

function makeError(
  reason: ReasonName,
  native: NativeError,
  target: DialectTarget,
  envelope: ErrorEnvelope,
): ParleyError {
  const { status, code, type, requestId: told } = native;
  return providerError(reason, { ...native, said: [status, code || type] }, fieldOf, target, {
    ...envelope,
    requestId: envelope.requestId ?? told,
  });
}

// A number there repeats the status, and a sentence is none.
function wordCode(value: unknown): string {
  return typeof value === "string" && /^[\w-]+$/.test(value) && !/^\d+$/.test(value) ? wordOf(value) : "";
}
