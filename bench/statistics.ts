/** Median with the span of all rounds. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle of some numbers (of an even count, the mean of the middle two); undefined of none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const [below, above] = [sorted[half - 1], sorted[half]];
  return sorted.length % 2 === 1 || below === undefined || above === undefined ? above : (below + above) / 2;
}

/** Median, least and greatest; undefined of none. */
export function summarise(values: readonly (number | undefined)[]): Summary | undefined {
  const known = values.filter((value) => value !== undefined);
  const middle = median(known);
  return middle === undefined ? undefined : { median: middle, min: Math.min(...known), max: Math.max(...known) };
}
