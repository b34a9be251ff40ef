import { describe, expect, test } from "vitest";
import { bucketAt, resetsAtMs, spanAt, windowBuckets } from "./calendar.ts";
import type { BudgetWindow } from "./window.ts";

type Calendar = Extract<BudgetWindow, { readonly timezone: string }>["kind"];

const at = (iso: string): number => Date.parse(iso);
const iso = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");

describe("calendar windows", () => {
  test.each<[Calendar, string, now: string, start: string, end: string]>([
    ["calendar_hour", "UTC", "2026-11-20T14:59:59.999Z", "2026-11-20T14:00:00Z", "2026-11-20T15:00:00Z"],
    ["calendar_hour", "Asia/Kolkata", "2026-11-20T14:20:00Z", "2026-11-20T13:30:00Z", "2026-11-20T14:30:00Z"],
    ["calendar_day", "UTC", "2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"],
    ["calendar_day", "UTC", "2026-11-20T23:59:59.999Z", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"],
    ["calendar_day", "America/New_York", "2026-11-20T04:30:00Z", "2026-11-19T05:00:00Z", "2026-11-20T05:00:00Z"],
    // Clocks go forward: a day of 23 hours. They go back: one of 25.
    ["calendar_day", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
    ["calendar_day", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
    // Midnight itself is skipped, and comes twice.
    ["calendar_day", "Africa/Cairo", "2026-04-24T08:00:00Z", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"],
    ["calendar_day", "America/Havana", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"],
    // A whole day is skipped: the place changed the side of the date line.
    ["calendar_day", "Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"],
    ["calendar_week", "UTC", "2026-11-20T14:00:00Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"],
    ["calendar_week", "UTC", "2026-11-16T00:00:00Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"],
    ["calendar_week", "Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z"],
    ["calendar_month", "UTC", "2028-02-29T23:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"],
    ["calendar_month", "Europe/Berlin", "2026-03-31T21:59:59Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"],
    ["calendar_month", "Pacific/Auckland", "2026-12-31T11:30:00Z", "2026-12-31T11:00:00Z", "2027-01-31T11:00:00Z"],
  ])("%s in %s at %s", (kind, timezone, now, start, end) => {
    const window: BudgetWindow = { kind, timezone };
    const span = spanAt(window, at(now));
    expect([iso(span.startMs), iso(span.endMs)]).toEqual([start, end]);
    expect(span.bucket).toBe(at(start) / 1000);
    expect(windowBuckets(window, span.bucket)).toEqual([span.bucket]);
    expect(resetsAtMs(window, at(now))).toBe(at(end));
  });

  test("each hour that a clock shows twice is one of its own", () => {
    const window: BudgetWindow = { kind: "calendar_hour", timezone: "Europe/Berlin" };
    const [summer, winter] = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"].map((one) => bucketAt(window, at(one)));
    expect(winter! - summer!).toBe(3600);
  });

  test.each(["Europe/Berlin", "America/Havana", "Australia/Lord_Howe"])(
    "windows of %s follow each other without a gap through a year",
    (timezone) => {
      for (const kind of ["calendar_day", "calendar_week", "calendar_month"] as const) {
        const window: BudgetWindow = { kind, timezone };
        let span = spanAt(window, at("2026-01-01T00:00:00Z"));
        for (let count = 0; span.endMs < at("2027-01-01T00:00:00Z") && count < 400; count++) {
          const next = spanAt(window, span.endMs);
          expect(next.startMs).toBe(span.endMs);
          expect(spanAt(window, next.endMs - 1)).toEqual(next);
          span = next;
        }
      }
    },
  );
});

describe("rolling windows", () => {
  const window: BudgetWindow = { kind: "rolling", hours: 3 };

  test("count in whole hours, and the limit holds for the last so many", () => {
    const hour = at("2026-11-20T14:00:00Z") / 3_600_000;
    expect(bucketAt(window, at("2026-11-20T14:59:59.999Z"))).toBe(hour);
    expect(windowBuckets(window, hour)).toEqual([hour - 2, hour - 1, hour]);
    expect(iso(resetsAtMs(window, at("2026-11-20T14:30:00Z")))).toBe("2026-11-20T15:00:00Z");
  });
});
