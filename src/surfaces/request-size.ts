import type { ChatRequest } from "../contract/index.ts";
import { tooLarge } from "./request-body.ts";

/**
 * Throws `REQUEST_TOO_LARGE` for a request of more than `requestBytes` that carries no media: only media may make a
 * request as large as the reader of its body allows.
 */
export function checkRequestSize(
  request: ChatRequest | undefined,
  bytes: number,
  limits: { requestBytes: number },
): void {
  if (bytes <= limits.requestBytes || carriesMedia(request)) return;
  throw tooLarge(limits.requestBytes, bytes);
}

function carriesMedia(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof Uint8Array) return value.length > 0;
  return Object.values(value).some(carriesMedia);
}
