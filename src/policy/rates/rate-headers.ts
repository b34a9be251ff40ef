import type { RateFigure } from "./rate-limiter.ts";

/**
 * The headers by which clients of OpenAI's API know how their limits stand: of requests and of tokens, each by the limit
 * that leaves least.
 */
export function rateHeaders(figures: readonly RateFigure[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const kind of ["requests", "tokens"] as const) {
    let tightest: RateFigure | undefined;
    for (const one of figures) {
      if (one.kind === kind && (!tightest || one.remaining < tightest.remaining)) tightest = one;
    }
    if (!tightest) continue;
    headers[`x-ratelimit-limit-${kind}`] = String(tightest.limit);
    headers[`x-ratelimit-remaining-${kind}`] = String(tightest.remaining);
    headers[`x-ratelimit-reset-${kind}`] = durationText(tightest.resetInMs);
  }
  return headers;
}

/** A duration as these headers have it: `20ms`, `1.5s`, `6m0s`, `1h0m0s`. */
function durationText(durationMs: number): string {
  const ms = Math.ceil(durationMs);
  if (ms < 1_000) return `${ms}ms`;
  const seconds = (ms % 60_000) / 1_000;
  const minutes = Math.floor(ms / 60_000);
  if (minutes === 0) return `${seconds}s`;
  return minutes < 60 ? `${minutes}m${seconds}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}s`;
}
