import { ParleyError, type ReasonName } from "../../errors/index.ts";
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
  type Members,
} from "../native-error.ts";
import { retryDelayMs } from "../retry-delay.ts";
import { fieldOf } from "./error-fields.ts";
import { reasonOf, type Signal } from "./error-table.ts";
import type { GenerateContentResponse } from "./wire.ts";

const REQUEST_ID_HEADERS = ["x-goog-request-id", "x-request-id", "x-cloud-trace-context"];
const MAX_DETAILS = 32;

interface NativeError extends Signal {
  /** The wire's path of the member at fault. */
  readonly path: string;
  /** For example `48s`. */
  readonly retryDelay: string;
}

/** The id that the upstream gave the call, undefined where it told none. */
export function requestId(headers: ErrorResponse["headers"]): string | undefined {
  return firstHeader(headers, REQUEST_ID_HEADERS);
}

/** The typed error behind an answer whose status is not 2xx. Never throws. */
export function decodeError(response: ErrorResponse, target: DialectTarget): ParleyError {
  const { status, headers, nowMs } = response;
  const native = nativeError(parseErrorBody(response.body), status);
  return makeError(classify(native), native, target, {
    retryDelayMs: delayOf(native, headers, nowMs),
    httpStatus: status,
    requestId: requestId(headers),
  });
}

/** The typed error behind the body of an error that came with status 200. */
export function errorFromBody(body: unknown, target: DialectTarget): ParleyError {
  const native = nativeError(body, undefined);
  return makeError(classify(native), native, target, { retryDelayMs: delayOf(native, {}, 0) });
}

/** The error behind an answer without candidates: the provider refused the prompt. */
export function blockedPrompt(
  feedback: NonNullable<GenerateContentResponse["promptFeedback"]>,
  target: DialectTarget,
): ParleyError {
  const code = wordOf(feedback.blockReason);
  const { provider, model } = target;
  const message = `Cannot complete the request at ${provider}/${model}: the provider blocked the prompt (${code})`;
  return new ParleyError("PROVIDER_CONTENT_BLOCKED", message, {
    upstream: { code, message: sentenceOf(feedback.blockReasonMessage) },
  });
}

// The gateway alone decides which members messages consist of: a caller cannot have asked for one that is unknown.
const OURS = /^(GenerateContentRequest\.)?(contents|system_?instruction|tool_?config)\b/i;

function classify(native: NativeError): ReasonName {
  const reason = reasonOf(native);
  const isUnknownName = reason === "UNSUPPORTED_PARAMETER" && /unknown name/i.test(native.message);
  return isUnknownName && OURS.test(native.path) ? "TRANSLATION_DEFECT" : reason;
}

function nativeError(body: unknown, httpStatus: number | undefined): NativeError {
  // Errors of streams may come as a list of one.
  const outer = membersOf(firstOf(body));
  const error = membersOf(outer["error"]);
  const message = sentenceOf(error["message"]);
  const details = listOf(error["details"]);
  const ofType = (type: string): Members => details.find((one) => wordOf(one["@type"]).endsWith(`.${type}`)) ?? {};
  const violation = listOf(ofType("BadRequest")["fieldViolations"])[0] ?? {};
  return {
    httpStatus: httpStatus ?? claimedStatus(error["code"]),
    status: wordOf(error["status"]),
    reason: wordOf(ofType("ErrorInfo")["reason"]),
    quotaIds: listOf(ofType("QuotaFailure")["violations"]).map(
      (one) => wordOf(one["quotaId"]) || wordOf(one["quotaMetric"]),
    ),
    message,
    path: wordOf(violation["field"]) || pathIn(message),
    retryDelay: wordOf(ofType("RetryInfo")["retryDelay"]),
  };
}

function delayOf({ retryDelay }: NativeError, headers: ErrorResponse["headers"], nowMs: number): number | undefined {
  const own = retryDelay === "" ? undefined : retryDelayMs({ "retry-after": retryDelay }, nowMs);
  return own ?? retryDelayMs(headers, nowMs);
}

// The service names members within its sentences: at 'generation_config.top_k', GenerateContentRequest.contents[0].parts.
function pathIn(message: string): string {
  const found = /at '([^']{1,128})'/.exec(message) ?? /GenerateContentRequest\.([\w.[\]]{1,128})/.exec(message);
  return found?.[1] ?? "";
}

function makeError(
  reason: ReasonName,
  native: NativeError,
  target: DialectTarget,
  envelope: ErrorEnvelope,
): ParleyError {
  const { httpStatus, status, reason: code, quotaIds, path: param, message } = native;
  const told = { type: status, code: code || windowOf(quotaIds), param, message, said: [httpStatus, status, code] };
  return providerError(reason, told, fieldOf, target, envelope);
}

// Of a quota's id what matters: the whole is long enough to be taken for a credential and redacted.
function windowOf(quotaIds: readonly string[]): string {
  return quotaIds.map((id) => /Per(Day|Hour|Minute|Second)/i.exec(id)?.[0] ?? "").find((found) => found !== "") ?? "";
}

function listOf(value: unknown): Members[] {
  return Array.isArray(value) ? value.slice(0, MAX_DETAILS).map(membersOf) : [];
}
