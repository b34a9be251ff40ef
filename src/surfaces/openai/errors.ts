import { Fault, type GatewayError, type Origin, type UpstreamError } from "../../contract/index.ts";
import { errorRow, reasonName, toGatewayError, type ParleyError } from "../../errors/index.ts";
import { headerValue, type ResponseHeaders } from "./headers.ts";
import { requestField } from "./request-field.ts";

/** An error as OpenAI's clients know it, with ours in `parley`. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
    readonly parley: Readonly<Record<string, unknown>>;
  };
}

/** The error of a request that did not get as far as the pipeline. */
export function ownError(error: ParleyError, ids: { requestId: string; errorId: string }): GatewayError {
  return toGatewayError(error, { ...ids, contentDelivered: false, attempts: [] });
}

/**
 * The JSON body of an error. `param` is the field in this surface's words: the pipeline speaks of the contract's fields,
 * which is the default; errors of this surface have theirs already.
 */
export function errorBody(error: GatewayError, param = requestField(error.field)): ErrorBody {
  const row = errorRow(error.reason);
  const reason = reasonName(error.reason).toLowerCase();
  return {
    error: {
      // The pipeline names the contract's field in its sentence: a client of this surface knows its own.
      message: error.field === "" ? error.message : error.message.replaceAll(error.field, () => param || error.field),
      type: row.openaiType,
      param: param === "" ? null : param,
      code: row.openaiCode ?? reason,
      parley: {
        reason,
        fault: faultName(error.fault),
        ...(error.field === "" ? {} : { field: error.field }),
        retryable: error.retryable,
        ...(error.retryDelayMs === undefined ? {} : { retry_delay_ms: error.retryDelayMs }),
        safe_to_retry: error.safeToRetry,
        attempts: error.attempts.map(({ target, reason: why, httpStatus, durationMs }) => ({
          ...originFields(target),
          reason: reasonName(why).toLowerCase(),
          ...(httpStatus === undefined ? {} : { http_status: httpStatus }),
          duration_ms: durationMs,
        })),
        exclusions: error.exclusions.map(({ constraint, count, example }) => ({ constraint, count, example })),
        ...(error.upstream ? { upstream: upstreamFields(error.upstream) } : {}),
        request_id: error.requestId,
        error_id: error.errorId,
      },
    },
  };
}

/** HTTP status of an error. */
export function errorStatus(error: GatewayError): number {
  return errorRow(error.reason).httpStatus;
}

// Client SDKs ignore a longer `retry-after` and ask again within a second instead.
const LONGEST_DELAY_HEEDED_MS = 60_000;

/**
 * Headers by which client SDKs decide whether to send the request again. Where the gateway has already tried several
 * times they are told not to, unless it is known when to: each of their attempts would become several of ours. Nor
 * where it would be longer than they wait.
 */
export function errorHeaders(error: GatewayError): ResponseHeaders {
  const isExhausted = error.attempts.length > 1 && error.retryDelayMs === undefined;
  const isFarOff = (error.retryDelayMs ?? 0) > LONGEST_DELAY_HEEDED_MS;
  const helps = error.retryable && error.safeToRetry && !isExhausted && !isFarOff;
  const headers: ResponseHeaders = { "x-should-retry": String(helps) };
  if (error.retryDelayMs !== undefined) {
    headers["retry-after"] = String(Math.ceil(error.retryDelayMs / 1000));
    headers["retry-after-ms"] = String(error.retryDelayMs);
  }
  const last = error.attempts.at(-1)?.target;
  if (last) headers["x-parley-provider"] = headerValue(last.provider);
  if (error.attempts.length > 0) headers["x-parley-attempts"] = String(error.attempts.length);
  return headers;
}

/** Provider, model and region of an origin, in the words of this surface. */
export function originFields(origin: Origin | undefined): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  addOrigin(fields, origin);
  return fields;
}

/** Says provider, model and region of an origin beside other things. */
export function addOrigin(fields: Record<string, unknown>, origin: Origin | undefined): void {
  if (!origin) return;
  fields["provider"] = origin.provider;
  fields["model"] = origin.model;
  if (origin.region !== undefined) fields["region"] = origin.region;
}

const FAULT_NAMES = new Map<number, string>(Object.entries(Fault).map(([name, value]) => [value, name.toLowerCase()]));

function faultName(fault: Fault): string {
  return FAULT_NAMES.get(fault) ?? "gateway";
}

function upstreamFields(upstream: UpstreamError): Record<string, string | number> {
  const fields: Record<string, string | number> = {};
  if (upstream.httpStatus !== undefined) fields["http_status"] = upstream.httpStatus;
  const texts = { type: upstream.type, code: upstream.code, param: upstream.param, message: upstream.message };
  for (const [name, text] of Object.entries({ ...texts, request_id: upstream.requestId }))
    if (text !== "") fields[name] = text;
  return fields;
}
