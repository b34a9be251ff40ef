import type { BudgetWindow } from "./window.ts";

/** The time for which one bucket of a window is the present one. */
export interface BucketSpan {
  /** Start of a calendar window in seconds since 1970, or the hour of a rolling one since 1970. */
  readonly bucket: number;
  /** Wall clock in milliseconds: from here, */
  readonly startMs: number;
  /** until before this. */
  readonly endMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The bucket that a moment belongs to, and how long it lasts. Throws `RangeError` for an unknown time zone. */
export function spanAt(window: BudgetWindow, nowMs: number): BucketSpan {
  if (window.kind === "rolling") {
    const hour = Math.floor(nowMs / HOUR_MS);
    return { bucket: hour, startMs: hour * HOUR_MS, endMs: (hour + 1) * HOUR_MS };
  }
  const local = localClock(window.timezone);
  const startMs = window.kind === "calendar_hour" ? hourStart(local, nowMs) : periodStart(window.kind, local, nowMs);
  const endMs = window.kind === "calendar_hour" ? startMs + HOUR_MS : periodEnd(window.kind, local, nowMs);
  return { bucket: startMs / 1000, startMs, endMs };
}

/** The bucket that a moment belongs to. */
export function bucketAt(window: BudgetWindow, nowMs: number): number {
  return spanAt(window, nowMs).bucket;
}

/** The buckets whose sum a window's limit holds for while `bucket` is the present one; the present one is the last. */
export function windowBuckets(window: BudgetWindow, bucket: number): readonly number[] {
  if (window.kind !== "rolling") return [bucket];
  return Array.from({ length: window.hours }, (_, index) => bucket - window.hours + 1 + index);
}

/** When a window, as of a moment, begins anew, or a rolling one lets go of its oldest hour; wall clock in milliseconds. */
export function resetsAtMs(window: BudgetWindow, nowMs: number): number {
  return spanAt(window, nowMs).endMs;
}

/** Milliseconds since 1970 as a clock on the wall of the place would be read if it were UTC's. */
type LocalClock = (atMs: number) => number;

const clocks = new Map<string, LocalClock>([["UTC", (atMs) => atMs]]);

function localClock(timezone: string): LocalClock {
  let clock = clocks.get(timezone);
  if (!clock) clocks.set(timezone, (clock = makeClock(timezone)));
  return clock;
}

function makeClock(timezone: string): LocalClock {
  const fields = ["year", "month", "day", "hour", "minute", "second"] as const;
  const numeric = Object.fromEntries(fields.map((field) => [field, "numeric"]));
  const format = new Intl.DateTimeFormat("en-US", { timeZone: timezone, hourCycle: "h23", ...numeric });
  return (atMs) => {
    const read: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(atMs)) read[type] = Number(value);
    const [year = 0, month = 1, day, hour, minute, second] = fields.map((field) => read[field]);
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
}

// Every hour is one, also the one that a clock shows twice: what is off the whole hour is the place, not the season.
function hourStart(local: LocalClock, nowMs: number): number {
  const wholeMs = Math.floor(nowMs / 1000) * 1000;
  return wholeMs - (local(wholeMs) % HOUR_MS);
}

type Period = "calendar_day" | "calendar_week" | "calendar_month";

/** A number for the period that a local time is in, which grows with time. Weeks begin on Monday. */
const PERIOD_NUMBER: Readonly<Record<Period, (localMs: number) => number>> = {
  calendar_day: (localMs) => Math.floor(localMs / DAY_MS),
  // 1970 began on a Thursday.
  calendar_week: (localMs) => Math.floor((localMs / DAY_MS + 3) / 7),
  calendar_month: (localMs) => new Date(localMs).getUTCFullYear() * 12 + new Date(localMs).getUTCMonth(),
};

/** Longer than the period can be, with a change of clocks or of the side of the date line in it. */
const LONGEST_MS: Readonly<Record<Period, number>> = {
  calendar_day: 3 * DAY_MS,
  calendar_week: 9 * DAY_MS,
  calendar_month: 33 * DAY_MS,
};

// Looked for, not computed: midnight may be skipped or come twice, and so may whole days.
function periodStart(kind: Period, local: LocalClock, nowMs: number): number {
  const numberAt = (atMs: number): number => PERIOD_NUMBER[kind](local(atMs));
  const present = numberAt(nowMs);
  return firstSecond(nowMs - LONGEST_MS[kind], nowMs, (atMs) => numberAt(atMs) >= present);
}

function periodEnd(kind: Period, local: LocalClock, nowMs: number): number {
  const numberAt = (atMs: number): number => PERIOD_NUMBER[kind](local(atMs));
  const present = numberAt(nowMs);
  return firstSecond(nowMs, nowMs + LONGEST_MS[kind], (atMs) => numberAt(atMs) > present);
}

/** The first whole second after `fromMs`, up to `toMs`, for which `holds`. */
function firstSecond(fromMs: number, toMs: number, holds: (atMs: number) => boolean): number {
  let before = Math.floor(fromMs / 1000);
  let at = Math.floor(toMs / 1000);
  while (at - before > 1) {
    const middle = Math.floor((before + at) / 2);
    if (holds(middle * 1000)) at = middle;
    else before = middle;
  }
  return at * 1000;
}
