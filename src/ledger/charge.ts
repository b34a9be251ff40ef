import type { AttemptEndedRecord, HoldRecord } from "./records.ts";

/**
 * What an attempt that has ended counts as, in whole nano-USD: its cost; where that is unknown, all that was held for it,
 * or nothing where nothing was. Whoever settles a hold settles it with this figure, so that counters and books agree.
 */
export function chargeOf(hold: HoldRecord | undefined, { cost }: Pick<AttemptEndedRecord, "cost">): number {
  return cost?.nanoUsd === undefined ? (hold?.nanoUsd ?? 0) : wholeNanoUsd(cost.nanoUsd);
}

/** Nano-USD as a number that is exact; what is more than any attempt can cost (9 million USD) becomes the largest one. */
export function wholeNanoUsd(nanoUsd: bigint): number {
  return nanoUsd > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(nanoUsd);
}
