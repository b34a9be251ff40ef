import { Fault } from "../contract/index.ts";
import { reasonName, type ParleyError } from "../errors/index.ts";
import type { AnyResponse } from "./exchange.ts";

const FAULTS: ReadonlyMap<number, string> = new Map(
  Object.entries(Fault).map(([name, value]) => [value, name.toLowerCase()]),
);

/** Ids of an error outside the chat surfaces. */
export interface ErrorIds {
  readonly requestId: string;
  readonly errorId: string;
}

/** The JSON text of an error, in the shape that REST clients know: `{"error": {message, type, code, param, parley}}`. */
export function plainErrorText(error: ParleyError, ids: ErrorIds): string {
  const reason = reasonName(error.reason).toLowerCase();
  return JSON.stringify({
    error: {
      message: error.message,
      type: error.row.openaiType,
      code: error.row.openaiCode ?? reason,
      param: error.field === "" ? null : error.field,
      parley: {
        reason,
        fault: FAULTS.get(error.row.fault),
        retryable: error.row.retryable,
        safe_to_retry: true, // no provider has been asked for anything
        request_id: ids.requestId,
        error_id: ids.errorId,
      },
    },
  });
}

/** Headers that each error carries. */
export function plainErrorHeaders(error: ParleyError, requestId: string): Record<string, string> {
  return {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-request-id": requestId,
    "x-should-retry": String(error.row.retryable),
    ...(error.retryDelayMs === undefined ? {} : { "retry-after": String(Math.ceil(error.retryDelayMs / 1000)) }),
  };
}

/** Answers with an error. `status` replaces the catalogue's where HTTP has a more exact one. Does nothing once headers are sent. */
export function sendPlainError(response: AnyResponse, error: ParleyError, ids: ErrorIds, status?: number): void {
  if (response.headersSent || response.writableEnded) return;
  const text = plainErrorText(error, ids);
  const headers = plainErrorHeaders(error, ids.requestId);
  headers["content-length"] = String(Buffer.byteLength(text));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = status ?? error.row.httpStatus;
  response.end(text);
}
