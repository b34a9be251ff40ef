import { expect, test } from "vitest";
import { retryDelayMs } from "./retry-delay.ts";

const NOW_MS = Date.parse("2026-11-20T12:00:00Z");
const DAY_MS = 86_400_000;

const table: readonly (readonly [headers: Record<string, string>, expected: number | undefined])[] = [
  [{}, undefined],
  [{ "retry-after-ms": "250" }, 250],
  [{ "retry-after-ms": "250", "retry-after": "9" }, 250],
  [{ "retry-after": "9" }, 9000],
  [{ "retry-after": " 1.5 " }, 1500],
  [{ "retry-after": "0" }, 0],
  [{ "retry-after": "-3" }, undefined],
  [{ "retry-after": "soon" }, undefined],
  [{ "retry-after": "999999999999" }, DAY_MS],
  [{ "retry-after": "Fri, 20 Nov 2026 12:00:30 GMT" }, 30_000],
  [{ "retry-after": "Fri, 20 Nov 2026 11:00:00 GMT" }, 0],
  [{ "retry-after": "Fri, 20 Nov 2099 11:00:00 GMT" }, DAY_MS],
  [{ "x-ratelimit-reset-requests": "6m0s" }, 360_000],
  [{ "x-ratelimit-reset-requests": "120ms" }, 120],
  [{ "x-ratelimit-reset-requests": "1h2m3.5s" }, 3_723_500],
  [{ "x-ratelimit-reset-requests": "1d" }, DAY_MS],
  [{ "x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "12" }, undefined],
  [{ "x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "2s" }, 2000],
  [
    {
      "x-ratelimit-reset-requests": "9s",
      "x-ratelimit-remaining-requests": "5",
      "x-ratelimit-reset-tokens": "2s",
      "x-ratelimit-remaining-tokens": "0",
    },
    2000,
  ],
  [{ "x-ratelimit-reset-tokens": "0", "x-ratelimit-remaining-tokens": "-1" }, undefined],
  [{ "x-ratelimit-reset": String(NOW_MS + 5000), "x-ratelimit-remaining": "0" }, 5000],
  [{ "x-ratelimit-reset": String(NOW_MS / 1000 + 5) }, 5000],
  [{ "x-ratelimit-reset": "2026-11-20T12:00:05Z" }, 5000],
  [{ "x-ratelimit-reset": "6x" }, undefined],
];

test.for(table)("retryDelayMs reads %j", ([headers, expected]) => {
  expect(retryDelayMs(headers, NOW_MS)).toBe(expected);
});
