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
  type Members,
} from "../native-error.ts";
import { retryDelayMs } from "../retry-delay.ts";
import { fieldOf, isOurDefect } from "./error-fields.ts";
import { reasonOf, type Signal } from "./error-table.ts";
import type { ResponseEvent, ResponseObject } from "./wire.ts";

const REQUEST_ID_HEADERS = ["x-request-id", "request-id", "apim-request-id", "x-ds-trace-id"];

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
  const native = nativeError(parseErrorBody(response.body), status);
  const delay = retryDelayMs(headers, nowMs);
  const reason = adviseRetry(classify({ ...native, status }), native, headers["x-should-retry"], status);
  return makeError(reason, native, target, {
    ...(delay === undefined ? {} : { retryDelayMs: delay }),
    httpStatus: status,
    requestId: requestId(headers),
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

function nativeError(body: unknown, httpStatus: number | undefined): NativeError {
  const outer = membersOf(firstOf(body));
  const nested = outer["error"];
  // xAI: the error is a sentence and the code a word beside it.
  const inner = typeof nested === "object" && nested !== null ? membersOf(nested) : outer;
  const filter = membersOf(inner["innererror"]);
  const code = word(inner["code"]) || word(filter["code"]);
  const type = word(inner["type"]);
  const message = typeof nested === "string" ? nested : sentenceOf(inner["message"] ?? inner["detail"]);
  return {
    status: httpStatus ?? claimedStatus(inner["status"], inner["status_code"], inner["code"]),
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

function makeError(
  reason: ReasonName,
  native: NativeError,
  target: DialectTarget,
  envelope: ErrorEnvelope,
): ParleyError {
  const { status, code, type, categories } = native;
  const note = categories === "" ? "" : ` (${categories})`;
  return providerError(reason, { ...native, said: [status, code || type], note }, fieldOf, target, envelope);
}

function filteredCategories(result: unknown): string {
  return Object.entries(membersOf(result))
    .filter(([, verdict]) => membersOf(verdict)["filtered"] === true)
    .map(([name]) => name.slice(0, 64))
    .join(", ");
}

// Codes may be numbers.
function word(value: unknown): string {
  return wordOf(typeof value === "number" ? String(value) : value);
}
