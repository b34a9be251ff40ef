import { Fault } from "../../contract/index.ts";
import { CATALOGUE, ParleyError, type ErrorDetails, type ReasonName } from "../../errors/index.ts";
import type { DialectTarget, ErrorResponse } from "../dialect.ts";
import { firstHeader } from "../first-header.ts";
import { retryDelayMs } from "../retry-delay.ts";
import { fieldOf, isOurDefect, paramOf } from "./error-fields.ts";
import { reasonOf, type Signal } from "./error-table.ts";

const REQUEST_ID_HEADERS = ["request-id", "x-request-id", "x-goog-request-id", "x-amzn-requestid"];
const MAX_WORD_CHARS = 128;

type Members = Readonly<Record<string, unknown>>;

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
  const native = nativeError(parseBody(response.body), status);
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

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    // HTML, text or nothing: its content stays out of every message.
    return undefined;
  }
}

function nativeError(body: unknown, httpStatus: number | undefined): NativeError {
  const outer = members(Array.isArray(body) ? (body as unknown[])[0] : body);
  const nested = outer["error"];
  const inner = typeof nested === "object" && nested !== null ? members(nested) : outer;
  const message = typeof nested === "string" ? nested : text(inner["message"]);
  return {
    status: httpStatus ?? claimedStatus(inner),
    code: word(members(inner["details"])["error_code"]) || wordCode(inner["code"]),
    // A cloud that serves this format has a word for its status instead.
    type: word(inner === outer ? undefined : inner["type"]) || word(inner["status"]),
    param: paramOf(message),
    message,
    requestId: word(outer["request_id"]),
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

interface Envelope {
  readonly httpStatus?: number;
  readonly retryDelayMs?: number;
}

function makeError(reason: ReasonName, native: NativeError, target: DialectTarget, envelope: Envelope): ParleyError {
  const field = CATALOGUE[reason].fault === Fault.CALLER ? fieldOf(native.param) : "";
  const details: ErrorDetails = {
    ...(field === "" ? {} : { field }),
    ...(envelope.retryDelayMs === undefined ? {} : { retryDelayMs: envelope.retryDelayMs }),
    upstream: {
      ...(envelope.httpStatus === undefined ? {} : { httpStatus: envelope.httpStatus }),
      type: native.type,
      code: native.code,
      param: native.param,
      message: native.message,
      requestId: native.requestId,
    },
  };
  return new ParleyError(reason, sentence(native, target, field), details);
}

// The provider's own sentence stays in `upstream`, where it is redacted: it may quote what was sent.
function sentence(native: NativeError, target: DialectTarget, field: string): string {
  const { provider, model } = target;
  const said = [native.status, native.code || native.type].filter((piece) => piece !== undefined && piece !== "");
  const about = field === "" ? "" : ` about ${field}`;
  return `Cannot complete the request at ${provider}/${model}: the provider answered ${said.join(" ") || "with an error"}${about}`;
}

// Inside a 200 the HTTP status may stand in a number or in a code of three digits.
function claimedStatus(inner: Members): number | undefined {
  for (const name of ["status", "status_code", "code"]) {
    const status = Number(inner[name] ?? Number.NaN);
    if (Number.isInteger(status) && status >= 400 && status <= 599) return status;
  }
  return undefined;
}

// A number there repeats the status, and a sentence is none.
function wordCode(value: unknown): string {
  return typeof value === "string" && /^[\w-]+$/.test(value) && !/^\d+$/.test(value) ? word(value) : "";
}

function members(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

function word(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_WORD_CHARS) : "";
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : "the provider's message is not a text";
}
