const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Milliseconds of a duration with its unit (`500ms`, `1.5s`, `15m`, `1h`), or undefined where it is none. */
export function parseDuration(text: string): number | undefined {
  return parseWithUnit(text, /^(\d{1,12}(?:\.\d{1,3})?)\s?(ms|s|m|h)$/, DURATION_UNITS);
}

/** Bytes of a size with its unit (`512B`, `256KiB`, `8MiB`, `1GiB`), or undefined where it is none. */
export function parseSize(text: string): number | undefined {
  return parseWithUnit(text, /^(\d{1,12}(?:\.\d{1,3})?)\s?(B|KiB|MiB|GiB)$/, SIZE_UNITS);
}

function parseWithUnit(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | undefined {
  const match = pattern.exec(text);
  const factor = units[match?.[2] ?? ""];
  if (!match || factor === undefined) return undefined;
  // 1.001 s is 1000.9999999999999 ms in floating point, and still a whole number of milliseconds.
  const exact = Number(match[1]) * factor;
  const value = Math.round(exact);
  return Number.isSafeInteger(value) && Math.abs(value - exact) < 1e-6 ? value : undefined;
}

/** The duration in its largest whole unit, for example `15s`. */
export function formatDuration(durationMs: number): string {
  return formatWithUnit(durationMs, DURATION_UNITS);
}

/** The size in its largest whole unit, for example `8MiB`. */
export function formatSize(bytes: number): string {
  return formatWithUnit(bytes, SIZE_UNITS);
}

function formatWithUnit(value: number, units: Readonly<Record<string, number>>): string {
  let text = "";
  for (const [unit, factor] of Object.entries(units)) {
    if (text === "" || (value > 0 && value % factor === 0)) text = `${value / factor}${unit}`;
  }
  return text;
}

const NANO_DIGITS = 9;

/**
 * Nano-USD of a decimal figure in USD (`"0.25"`, `3`), exactly, or undefined where it has more than nine decimals, a
 * sign or an exponent, or is above `mostUsd`, which is a million unless told otherwise.
 */
export function parseUsd(figure: string, mostUsd = 1e6): number | undefined {
  const match = /^(\d{1,7})(?:\.(\d{1,9}))?$/.exec(figure);
  if (!match) return undefined;
  const nanoUsd = Number(`${match[1]}${(match[2] ?? "").padEnd(NANO_DIGITS, "0")}`);
  return nanoUsd <= mostUsd * 10 ** NANO_DIGITS ? nanoUsd : undefined;
}
