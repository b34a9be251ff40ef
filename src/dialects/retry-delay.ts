// What providers say about when to come back, in all their forms, as milliseconds from now.

const MAX_DELAY_MS = 24 * 3600 * 1000;

type Headers = Readonly<Record<string, string>>;

/** When to retry, 0 to 24 hours in milliseconds; undefined where the provider does not tell, or tells nonsense. */
export function retryDelayMs(headers: Headers, nowMs: number): number | undefined {
  const milliseconds = numberOf(headers["retry-after-ms"]);
  if (milliseconds !== undefined) return bounded(milliseconds);
  const after = headers["retry-after"];
  if (after !== undefined) {
    const delay = durationMs(after) ?? dateMs(after, nowMs);
    if (delay !== undefined) return bounded(delay);
  }
  return resetDelayMs(headers, nowMs);
}

// Requests and tokens have limits of their own: the one with nothing left counts, or the later of both.
function resetDelayMs(headers: Headers, nowMs: number): number | undefined {
  let latest: number | undefined;
  for (const kind of ["-requests", "-tokens", ""]) {
    const reset = headers[`x-ratelimit-reset${kind}`];
    const remaining = numberOf(headers[`x-ratelimit-remaining${kind}`]);
    // Azure sends -1 for a limit it does not keep.
    if (reset === undefined || (remaining !== undefined && remaining !== 0)) continue;
    const delay = resetMs(reset, nowMs);
    if (delay !== undefined && (latest === undefined || delay > latest)) latest = delay;
  }
  return latest === undefined ? undefined : bounded(latest);
}

const EPOCH_SECONDS = 1_000_000_000;
const LEAST_EPOCH_MS = 1_000_000_000_000;

/** Milliseconds until a moment: a duration ("6m0s", "120ms", "1.5"), seconds or milliseconds since 1970, or a date. */
export function resetMs(text: string, nowMs: number): number | undefined {
  const number = numberOf(text);
  if (number !== undefined && number >= LEAST_EPOCH_MS) return Math.max(0, number - nowMs);
  if (number !== undefined && number >= EPOCH_SECONDS) return Math.max(0, number * 1000 - nowMs);
  return durationMs(text) ?? dateMs(text, nowMs);
}

const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

function durationMs(text: string): number | undefined {
  const seconds = numberOf(text);
  if (seconds !== undefined) return seconds * 1000;
  const trimmed = text.trim().toLowerCase();
  if (!/^(\d+(\.\d+)?(d|h|ms|m|s))+$/.test(trimmed)) return undefined;
  let sum = 0;
  for (const [, amount = "", , unit = ""] of trimmed.matchAll(/(\d+(\.\d+)?)(d|h|ms|m|s)/g)) {
    sum += Number(amount) * (UNIT_MS[unit] ?? 0);
  }
  return sum;
}

function dateMs(text: string, nowMs: number): number | undefined {
  const moment = Date.parse(text);
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - nowMs);
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*-?\d+(\.\d+)?\s*$/.test(text)) return undefined;
  return Number(text);
}

function bounded(delayMs: number): number | undefined {
  if (!(delayMs >= 0)) return undefined;
  return Math.min(Math.ceil(delayMs), MAX_DELAY_MS);
}
