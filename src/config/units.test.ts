import { describe, expect, test } from "vitest";
import { formatDuration, formatSize, parseDuration, parseSize, parseUsd } from "./units.ts";

describe("parseDuration", () => {
  test.each([
    ["500ms", 500],
    ["15s", 15_000],
    ["1.5s", 1500],
    ["1.001s", 1001],
    ["15 m", 900_000],
    ["24h", 86_400_000],
    ["0s", 0],
  ])("reads %s as %d ms", (text, durationMs) => expect(parseDuration(text)).toBe(durationMs));

  test.each(["15", "s", "-1s", "1e3s", "1d", "1m30s", "0.5ms", "1.0005s", "15S", " 15s", "9999999999999h"])(
    "refuses %j",
    (text) => expect(parseDuration(text)).toBeUndefined(),
  );
});

describe("parseSize", () => {
  test.each([
    ["512B", 512],
    ["256KiB", 262_144],
    ["1.5MiB", 1_572_864],
    ["2GiB", 2_147_483_648],
  ])("reads %s as %d bytes", (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(["8", "8MB", "8mib", "0.1B", "-1B"])("refuses %j", (text) => expect(parseSize(text)).toBeUndefined());
});

test("formatDuration and formatSize give the largest whole unit", () => {
  expect([0, 1500, 15_000, 900_000, 86_400_000].map(formatDuration)).toEqual(["0ms", "1500ms", "15s", "15m", "24h"]);
  expect([1000, 1024, 8 * 1024 ** 2].map(formatSize)).toEqual(["1000B", "1KiB", "8MiB"]);
});

describe("parseUsd", () => {
  test.each([
    ["0", 0],
    ["3", 3_000_000_000],
    ["0.25", 250_000_000],
    ["0.000000001", 1],
    ["1000000", 1e15],
    ["75.000000001", 75_000_000_001],
  ])("reads %s as %d nano-USD, exactly", (figure, nanoUsd) => expect(parseUsd(figure)).toBe(nanoUsd));

  test.each(["", "-1", ".5", "1.", "1e-7", "0.0000000001", "1000001", "1,5", "$1"])("refuses %j", (figure) =>
    expect(parseUsd(figure)).toBeUndefined(),
  );
});
