import type { Draw } from "../bank.ts";

/** What this replica holds of a bucket. All amounts in nano-USD. */
export interface Line {
  readonly bucket: number;
  /** Whether it is known what was spent of it before there were leases. */
  isKnown: boolean;
  /** Draws that are at work on it: while there are any, it must not be forgotten. */
  draws: number;
  /** What was granted and not given back: the truth, of which Redis and the book know at least as much. */
  held: number;
  /** Of `held`, what former lives of this replica have left, until it is settled. */
  inherited: number;
  /** What the book says, and the generation in which it was said. */
  booked: number;
  generation: number;
  /** What Redis may count for this replica at most. */
  counted: number;
  /** Draws of at least `refusedLeast` are refused until then without asking again. */
  refusedUntilMs: number;
  refusedLeast: number;
  left: number;
}

/** A line of which nothing is known yet. */
export function newLine(bucket: number): Line {
  return {
    bucket,
    isKnown: false,
    draws: 0,
    held: 0,
    inherited: 0,
    booked: 0,
    generation: 0,
    counted: 0,
    refusedUntilMs: 0,
    refusedLeast: 0,
    left: 0,
  };
}

/** Evenly spaced buckets, the last of which is drawn from. */
export interface Window {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/** The window that ends with the bucket, and the distance of its buckets. */
export function windowOf({ account, bucket, window }: Draw): Window {
  const count = window.length;
  const step = count > 1 ? (Math.max(...window) - Math.min(...window)) / (count - 1) : 0;
  if (!window.includes(bucket) || !Number.isSafeInteger(step) || !Number.isSafeInteger(bucket) || bucket < 0) {
    throw new RangeError(`Cannot draw from ${account}: the buckets of its window are not evenly spaced`);
  }
  return { first: bucket - (count - 1) * step, step, count };
}

/** Whether Redis or the book still have to hear what is held. */
export function isUntidy(line: Line): boolean {
  return line.held !== line.booked || line.held !== line.counted;
}
