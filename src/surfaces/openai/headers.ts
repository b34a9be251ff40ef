import type { Origin, Started } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { originHeaders } from "../answer-headers.ts";
import type { AnyRequest } from "../exchange.ts";

/** Headers of a response, by lower-case name. */
export type ResponseHeaders = Record<string, string>;

const MAX_HEADER_CHARS = 1024;

/** A header's value: at most 1 KiB, printable ASCII, anything else a question mark. */
export function headerValue(text: string): string {
  return text
    .slice(0, MAX_HEADER_CHARS)
    .replaceAll(/[^\x20-\x7e]/g, "?")
    .trim();
}

/** What every response carries: our id of the request, the caller's own where it sent one, and that nothing may be cached. */
export function commonHeaders(request: AnyRequest, requestId: string): ResponseHeaders {
  const headers: ResponseHeaders = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-request-id": requestId,
  };
  const own = headerOf(request, "x-request-id");
  if (own !== undefined && own !== "") headers["x-client-request-id"] = headerValue(own);
  return headers;
}

/** Says how the caller's rate limits stand, in place of what was said of them before. */
export function setRateHeaders(headers: ResponseHeaders, rates: Readonly<ResponseHeaders>): void {
  for (const name of Object.keys(headers)) if (name.startsWith("x-ratelimit-")) delete headers[name];
  Object.assign(headers, rates);
}

/** A request's header; of several the first. */
function headerOf(request: AnyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/**
 * How long the caller waits, in milliseconds: `x-parley-timeout-ms`, else the timeout header of OpenAI's SDKs.
 * Those are for whole answers only: on a stream the SDKs' time ends with the response's headers (JavaScript,
 * `x-stainless-timeout`, whole seconds) or starts anew with each piece (Python, `x-stainless-read-timeout`, seconds), so
 * that taking either for the whole stream would cut one that its client still reads.
 */
export function timeoutOf(request: AnyRequest, stream: boolean): number | undefined {
  const own = headerOf(request, "x-parley-timeout-ms");
  if (own !== undefined) {
    if (!/^[1-9]\d{0,8}$/.test(own)) {
      throw new ParleyError(
        "INVALID_REQUEST",
        "Cannot read x-parley-timeout-ms: expected whole milliseconds from 1 to 999999999",
        {
          field: "x-parley-timeout-ms",
        },
      );
    }
    return Number(own);
  }
  if (stream) return undefined;
  const seconds = Number(headerOf(request, "x-stainless-timeout") ?? headerOf(request, "x-stainless-read-timeout"));
  // The SDK rounds a timeout below one second down to 0, which tells nothing.
  return seconds > 0 && seconds < 1_000_000 ? Math.ceil(seconds * 1000) : undefined;
}

/**
 * Refuses what cannot be honoured: an answer kept for an idempotency key does not exist yet, and a caller who relies on
 * it would be charged twice.
 */
export function checkRequestHeaders(request: AnyRequest): void {
  if (headerOf(request, "idempotency-key") !== undefined) {
    throw new ParleyError(
      "NOT_IMPLEMENTED",
      "Cannot honour idempotency-key: this version does not replay answers; leave the header out",
      {
        field: "idempotency-key",
      },
    );
  }
  const type = headerOf(request, "content-type");
  if (type === undefined) return;
  const [mediaType = "", ...parameters] = type.toLowerCase().split(";");
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith("charset="));
  const isJson = /^application\/(?:[\w.+-]+\+)?json$/.test(mediaType.trim());
  if (isJson && (charset === undefined || /^charset="?utf-?8"?$/.test(charset))) return;
  throw new ParleyError(
    "INVALID_REQUEST",
    "Cannot read the request: its content-type is not JSON in UTF-8; send application/json",
    {
      field: "content-type",
    },
  );
}

/** Headers of a stream, known when it starts. */
export function streamHeaders(started: Started | undefined): ResponseHeaders {
  if (!started) return {};
  const headers = originHeaders(started.origin, started.adaptations);
  if (started.attempt > 0) headers["x-parley-attempts"] = String(started.attempt);
  return headers;
}

/** `provider/model` as served. */
export function modelName(origin: Origin | undefined): string {
  return origin ? `${origin.provider}/${origin.model}` : "";
}
