import { CATALOGUE, ParleyError, type ErrorDetails, type ReasonName } from "../../errors/index.ts";
import { Fault } from "../../contract/index.ts";
import type { DialectTarget, ErrorResponse } from "../dialect.ts";
import { firstHeader } from "../first-header.ts";
import { retryDelayMs } from "../retry-delay.ts";
import { fieldOf, isOurDefect } from "./error-fields.ts";
import { reasonOf, type Signal } from "./error-table.ts";
import type { ResponseEvent, ResponseObject } from "./wire.ts";

const REQUEST_ID_HEADERS = ["x-request-id", "request-id", "apim-request-id", "x-ds-trace-id"];
const MAX_WORD_CHARS = 128;

type Members = Readonly<Record<string, unknown>>;

interface NativeError extends Signal {
  readonly param: string;
  readonly categories: string;
}

/** The id that the upstream gave the call, undefined where it told none. */
export function requestId(headers: ErrorResponse["headers"]): string | undefined {
  return firstHeader(headers, REQUEST_ID_HEADERS);
}

/** The typed error behind an answer whose status is not 2xx. Never throws. */
export function decodeError(response: ErrorResponse, target: DialectTarget): ParleyError {
  const { status, headers, nowMs } = response;
  const native = nativeError(parseBody(response.body), status);
  const delay = retryDelayMs(headers, nowMs);
  const reason = adviseRetry(classify({ ...native, status }), native, headers["x-should-retry"], status);
  return makeError(reason, native, target, {
    ...(delay === undefined ? {} : { retryDelayMs: delay }),
    httpStatus: status,
    requestId: requestId(headers) ?? "",
  });
}

/** The typed error behind the body of an error that came with status 200. */
export function errorFromBody(body: unknown, target: DialectTarget): ParleyError {
  const native = nativeError(body, undefined);
  return makeError(classify(native), native, target, {});
}

/** The error inside a whole answer; undefined where there is none. */
export function errorInside(answer: ResponseObject, target: DialectTarget): ParleyError | undefined {
  if (answer.error) return errorFromBody({ error: answer.error }, target);
  if (answer.status === "failed") return errorFromBody({ error: { code: "server_error" } }, target);
  if (Array.isArray(answer.output)) return undefined;
  const flat = answer as Members;
  const isFlat = typeof flat["message"] === "string" || flat["detail"] !== undefined;
  return isFlat ? errorFromBody(answer, target) : undefined;
}

/** The error that an event of a stream is; undefined where it is none. */
export function errorInEvent(event: ResponseEvent, target: DialectTarget): ParleyError | undefined {
  const isError = event.type === "error" || (event.error && !event.response && !event.item);
  return isError ? errorFromBody(event, target) : undefined;
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
  // xAI: the error is a sentence and the code a word beside it.
  const inner = typeof nested === "object" && nested !== null ? members(nested) : outer;
  const filter = members(inner["innererror"]);
  const code = word(inner["code"]) || word(filter["code"]);
  const type = word(inner["type"]);
  const message = typeof nested === "string" ? nested : text(inner["message"] ?? inner["detail"]);
  return {
    status: httpStatus ?? claimedStatus(inner),
    code: /\s/.test(code) ? "" : code,
    // The type of the event is not one of the error.
    type: type === "error" ? "" : type,
    param: word(inner["param"]),
    message,
    categories: filteredCategories(filter["content_filter_result"] ?? filter["content_filter_results"]),
  };
}

function classify(native: NativeError): ReasonName {
  const reason = reasonOf(native);
  // The model is there, for others: it is the operator's account that may not use it.
  if (reason === "MODEL_NOT_FOUND" && native.status === 403) return "PROVIDER_ACCESS";
  const isAboutField = reason === "UNSUPPORTED_PARAMETER" || reason === "INVALID_REQUEST";
  return isAboutField && isOurDefect(native.param) ? "TRANSLATION_DEFECT" : reason;
}

// Some providers say outright whether a retry helps. It matters where status and code leave it open.
function adviseRetry(reason: ReasonName, native: NativeError, advice: string | undefined, status: number): ReasonName {
  if (advice === "true" && reason === "INVALID_REQUEST" && native.code === "") return "PROVIDER_ERROR";
  if (advice === "false" && status === 429 && native.code === "" && reason === "PROVIDER_RATE_LIMITED") {
    return "PROVIDER_QUOTA";
  }
  return reason;
}

interface Envelope {
  readonly httpStatus?: number;
  readonly requestId?: string;
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
      requestId: envelope.requestId ?? "",
    },
  };
  return new ParleyError(reason, sentence(native, target, field), details);
}

// The provider's own sentence stays in `upstream`, where it is redacted: it may quote what was sent.
function sentence(native: NativeError, target: DialectTarget, field: string): string {
  const { provider, model } = target;
  const said = [native.status, native.code || native.type].filter((piece) => piece !== undefined && piece !== "");
  const about = field === "" ? "" : ` about ${field}`;
  const categories = native.categories === "" ? "" : ` (${native.categories})`;
  return `Cannot complete the request at ${provider}/${model}: the provider answered ${said.join(" ") || "with an error"}${about}${categories}`;
}

// Inside a 200 the HTTP status stands in a number or in a code of three digits.
function claimedStatus(inner: Members): number | undefined {
  for (const name of ["status", "status_code", "code"]) {
    const status = Number(inner[name] ?? Number.NaN);
    if (Number.isInteger(status) && status >= 400 && status <= 599) return status;
  }
  return undefined;
}

function filteredCategories(result: unknown): string {
  return Object.entries(members(result))
    .filter(([, verdict]) => members(verdict)["filtered"] === true)
    .map(([name]) => name.slice(0, 64))
    .join(", ");
}

function members(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

function word(value: unknown): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? value.slice(0, MAX_WORD_CHARS) : "";
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : "the provider's message is not a text";
}
