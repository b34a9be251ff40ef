import { Fault } from "../../contract/index.ts";
import { CATALOGUE, ParleyError, type ErrorDetails, type ReasonName } from "../../errors/index.ts";
import type { DialectTarget, ErrorResponse } from "../dialect.ts";
import { firstHeader } from "../first-header.ts";
import { retryDelayMs } from "../retry-delay.ts";
import { fieldOf } from "./error-fields.ts";
import { reasonOf, type Signal } from "./error-table.ts";
import type { GenerateContentResponse } from "./wire.ts";

const REQUEST_ID_HEADERS = ["x-goog-request-id", "x-request-id", "x-cloud-trace-context"];
const MAX_WORD_CHARS = 128;
const MAX_DETAILS = 32;

type Members = Readonly<Record<string, unknown>>;

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
  const native = nativeError(parseBody(response.body), status);
  return makeError(classify(native), native, target, {
    delayMs: delayOf(native, headers, nowMs),
    httpStatus: status,
    requestId: requestId(headers) ?? "",
  });
}

/** The typed error behind the body of an error that came with status 200. */
export function errorFromBody(body: unknown, target: DialectTarget): ParleyError {
  const native = nativeError(body, undefined);
  return makeError(classify(native), native, target, { delayMs: delayOf(native, {}, 0) });
}

/** The error behind an answer without candidates: the provider refused the prompt. */
export function blockedPrompt(
  feedback: NonNullable<GenerateContentResponse["promptFeedback"]>,
  target: DialectTarget,
): ParleyError {
  const code = word(feedback.blockReason);
  const { provider, model } = target;
  const message = `Cannot complete the request at ${provider}/${model}: the provider blocked the prompt (${code})`;
  return new ParleyError("PROVIDER_CONTENT_BLOCKED", message, {
    upstream: { code, message: text(feedback.blockReasonMessage) },
  });
}

// The gateway alone decides which members messages consist of: a caller cannot have asked for one that is unknown.
const OURS = /^(GenerateContentRequest\.)?(contents|system_?instruction|tool_?config)\b/i;

function classify(native: NativeError): ReasonName {
  const reason = reasonOf(native);
  const isUnknownName = reason === "UNSUPPORTED_PARAMETER" && /unknown name/i.test(native.message);
  return isUnknownName && OURS.test(native.path) ? "TRANSLATION_DEFECT" : reason;
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    // HTML, text or nothing: its content stays out of every message.
    return undefined;
  }
}

function nativeError(body: unknown, httpStatus: number | undefined): NativeError {
  // Errors of streams may come as a list of one.
  const outer = members(Array.isArray(body) ? (body as unknown[])[0] : body);
  const error = members(outer["error"]);
  const message = text(error["message"]);
  const details = listOf(error["details"]);
  const ofType = (type: string): Members => details.find((one) => word(one["@type"]).endsWith(`.${type}`)) ?? {};
  const violation = listOf(ofType("BadRequest")["fieldViolations"])[0] ?? {};
  return {
    httpStatus: httpStatus ?? claimedStatus(error["code"]),
    status: word(error["status"]),
    reason: word(ofType("ErrorInfo")["reason"]),
    quotaIds: listOf(ofType("QuotaFailure")["violations"]).map(
      (one) => word(one["quotaId"]) || word(one["quotaMetric"]),
    ),
    message,
    path: word(violation["field"]) || pathIn(message),
    retryDelay: word(ofType("RetryInfo")["retryDelay"]),
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

interface Envelope {
  readonly delayMs: number | undefined;
  readonly httpStatus?: number;
  readonly requestId?: string;
}

function makeError(reason: ReasonName, native: NativeError, target: DialectTarget, envelope: Envelope): ParleyError {
  const field = CATALOGUE[reason].fault === Fault.CALLER ? fieldOf(native.path) : "";
  const details: ErrorDetails = {
    ...(field === "" ? {} : { field }),
    ...(envelope.delayMs === undefined ? {} : { retryDelayMs: envelope.delayMs }),
    upstream: {
      ...(envelope.httpStatus === undefined ? {} : { httpStatus: envelope.httpStatus }),
      type: native.status,
      code: native.reason || windowOf(native.quotaIds),
      param: native.path,
      message: native.message,
      requestId: envelope.requestId ?? "",
    },
  };
  return new ParleyError(reason, sentence(native, target, field), details);
}

// The provider's own sentence stays in `upstream`, where it is redacted: it may quote what was sent.
function sentence({ httpStatus, status, reason }: NativeError, target: DialectTarget, field: string): string {
  const { provider, model } = target;
  const said = [httpStatus, status, reason].filter((piece) => piece !== undefined && piece !== "");
  const about = field === "" ? "" : ` about ${field}`;
  return `Cannot complete the request at ${provider}/${model}: the provider answered ${said.join(" ") || "with an error"}${about}`;
}

// Of a quota's id what matters: the whole is long enough to be taken for a credential and redacted.
function windowOf(quotaIds: readonly string[]): string {
  return quotaIds.map((id) => /Per(Day|Hour|Minute|Second)/i.exec(id)?.[0] ?? "").find((found) => found !== "") ?? "";
}

function claimedStatus(code: unknown): number | undefined {
  const status = Number(code ?? Number.NaN);
  return Number.isInteger(status) && status >= 400 && status <= 599 ? status : undefined;
}

function listOf(value: unknown): Members[] {
  return Array.isArray(value) ? value.slice(0, MAX_DETAILS).map(members) : [];
}

function members(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

function word(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_WORD_CHARS) : "";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
