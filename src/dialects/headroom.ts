import { resetMs } from "./retry-delay.ts";

/** What an answer's headers say is left until the provider's own limits; undefined figures were not told. */
export interface Headroom {
  readonly remainingRequests: number | undefined;
  readonly remainingTokens: number | undefined;
  /** Milliseconds until the first of them is full again. */
  readonly resetInMs: number | undefined;
}

/** Names of the headers of one limit: what is left of it, and when it is full again. */
export type LimitHeaders = readonly (readonly [remaining: string, reset: string])[];

/** Reads what is left of requests and of tokens; of several names for one limit the first that is there counts. */
export function readHeadroom(
  headers: Readonly<Record<string, string>>,
  nowMs: number,
  names: { readonly requests: LimitHeaders; readonly tokens: LimitHeaders },
): Headroom | undefined {
  const requests = readLimit(headers, names.requests);
  const tokens = readLimit(headers, names.tokens);
  if (!requests && !tokens) return undefined;
  const resets = [requests?.reset, tokens?.reset].flatMap((text) =>
    text === undefined ? [] : (resetMs(text, nowMs) ?? []),
  );
  return {
    remainingRequests: requests?.remaining,
    remainingTokens: tokens?.remaining,
    resetInMs: resets.length > 0 ? Math.min(...resets) : undefined,
  };
}

function readLimit(
  headers: Readonly<Record<string, string>>,
  names: LimitHeaders,
): { readonly remaining: number; readonly reset: string | undefined } | undefined {
  for (const [remaining, reset] of names) {
    const text = headers[remaining];
    // Azure sends -1 for a limit that it does not keep.
    if (text !== undefined && /^\d{1,15}$/.test(text)) return { remaining: Number(text), reset: headers[reset] };
  }
  return undefined;
}

// OpenAI's names, which nearly all vendors took over; Mistral's tell the window.
const X_RATELIMIT = {
  requests: [
    ["x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
    ["x-ratelimit-remaining-req-minute", "x-ratelimit-reset-req-minute"],
  ],
  tokens: [
    ["x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
    ["x-ratelimit-remaining-tokens-minute", "x-ratelimit-reset-tokens-minute"],
  ],
} as const;

/** The head-room in headers named as OpenAI does: https://platform.openai.com/docs/guides/rate-limits */
export function rateLimitHeadroom(headers: Readonly<Record<string, string>>, nowMs: number): Headroom | undefined {
  return readHeadroom(headers, nowMs, X_RATELIMIT);
}
