import {
  STREAMED,
  type AttemptOutcome,
  type CallKind,
  type Headroom,
  type Percentiles,
  type TargetStatistics,
} from "./live.ts";

const SLOTS = 6;
const SLOT_MS = 10_000;

/** Fewer samples tell nothing of a tail. */
const LEAST_SAMPLES = 5;

// Each bucket begins a tenth above the one before: percentiles are within a tenth of the truth.
const GROWTH = 1.1;
const BUCKETS = 150;
const LOG_GROWTH = Math.log(GROWTH);

/** How often each size of a figure occurred in each of the latest slots of time. */
class Histogram {
  readonly #least: number;
  // One row for each slot, and one for their sum. Plain numbers in one piece: filled for as long as the process lives.
  readonly #counts = new Uint32Array((SLOTS + 1) * BUCKETS);
  count = 0;

  constructor(least: number) {
    this.#least = least;
  }

  add(slot: number, value: number): void {
    const at = Math.floor(Math.log(Math.max(value, this.#least) / this.#least) / LOG_GROWTH);
    const bucket = Math.min(at, BUCKETS - 1);
    this.#counts[slot * BUCKETS + bucket]! += 1;
    this.#counts[SLOTS * BUCKETS + bucket]! += 1;
    this.count += 1;
  }

  forget(slot: number): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const old = this.#counts[slot * BUCKETS + bucket]!;
      if (old === 0) continue;
      this.#counts[slot * BUCKETS + bucket] = 0;
      this.#counts[SLOTS * BUCKETS + bucket]! -= old;
      this.count -= old;
    }
  }

  percentiles(): Percentiles | undefined {
    if (this.count < LEAST_SAMPLES) return undefined;
    return { p50: this.#percentile(0.5), p95: this.#percentile(0.95), p99: this.#percentile(0.99) };
  }

  #percentile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const here = this.#counts[SLOTS * BUCKETS + bucket]!;
      // Within a bucket the figures are taken to lie evenly.
      if (seen + here >= wanted) return this.#least * GROWTH ** (bucket + (wanted - seen - 0.5) / here);
      seen += here;
    }
    return this.#least * GROWTH ** BUCKETS;
  }
}

const KINDS = 4;

function indexOf({ stream, batch }: CallKind): number {
  return (stream ? 0 : 1) + (batch ? 2 : 0);
}

/** Times to first content of one kind of call. */
interface FirstContent {
  readonly latest: Histogram;
  /** The 95th percentile over a longer time. */
  usualP95Ms: number | undefined;
}

/** What the calls of the latest minute at one target were like. */
export class CallWindow {
  readonly #attempts = new Uint32Array(SLOTS);
  readonly #failures = new Uint32Array(SLOTS);
  readonly #reasons = new Array<Record<string, number> | undefined>(SLOTS).fill(undefined);
  readonly #firstContent = new Array<FirstContent | undefined>(KINDS).fill(undefined);
  readonly #speed = new Histogram(0.1);
  #period: number;
  #headroom: Headroom | undefined;
  #headroomAtMs = 0;
  readonly #snapshots = new Array<TargetStatistics | undefined>(KINDS).fill(undefined);

  constructor(nowMs: number) {
    this.#period = Math.floor(nowMs / SLOT_MS);
  }

  /** What the 95th percentile of the time to first content is over a longer time; undefined: not known yet. */
  usualFirstContentP95Ms(nowMs: number, kind: CallKind): number | undefined {
    this.#slotAt(nowMs);
    return this.#firstContent[indexOf(kind)]?.usualP95Ms;
  }

  /** What was slow each time it was tried has become usual. */
  growUsual(kind: CallKind): void {
    const times = this.#firstContent[indexOf(kind)];
    if (times?.usualP95Ms !== undefined) times.usualP95Ms *= 1.25;
    this.#changed();
  }

  /** Counts a call; `failure` is its reason in snake_case. */
  add(nowMs: number, outcome: AttemptOutcome, failure: string | undefined, kind = STREAMED): void {
    const slot = this.#slotAt(nowMs);
    this.#attempts[slot]! += 1;
    if (failure !== undefined) {
      this.#failures[slot]! += 1;
      const reasons = (this.#reasons[slot] ??= {});
      reasons[failure] = (reasons[failure] ?? 0) + 1;
    }
    const { firstContentMs, durationMs, outputTokens } = outcome;
    if (firstContentMs !== undefined) {
      const times = (this.#firstContent[indexOf(kind)] ??= { latest: new Histogram(1), usualP95Ms: undefined });
      times.latest.add(slot, firstContentMs);
      const writingMs = durationMs - firstContentMs;
      // A speed is only told by an answer that took its time after the first content.
      if (failure === undefined && outputTokens !== undefined && outputTokens > 1 && writingMs >= 1) {
        this.#speed.add(slot, ((outputTokens - 1) * 1_000) / writingMs);
      }
    }
    if (outcome.headroom) {
      this.#headroom = outcome.headroom;
      this.#headroomAtMs = nowMs;
    }
    this.#changed();
  }

  /** The figures now, times to first content of this kind; the same object as long as nothing has changed. */
  statistics(nowMs: number, running: number, kind = STREAMED): TargetStatistics {
    this.#slotAt(nowMs);
    const index = indexOf(kind);
    const known = this.#snapshots[index];
    if (known?.running === running && !known.headroom) return known;
    const headroom = this.#headroomAt(nowMs);
    if (known) return (this.#snapshots[index] = { ...known, running, headroom });
    const times = this.#firstContent[index];
    return (this.#snapshots[index] = {
      attempts: sum(this.#attempts),
      failures: sum(this.#failures),
      failuresByReason: this.#failuresByReason(),
      running,
      firstContentMs: times?.latest.percentiles(),
      usualFirstContentP95Ms: times?.usualP95Ms,
      outputTokensPerSecond: this.#speed.percentiles(),
      headroom,
    });
  }

  #failuresByReason(): Record<string, number> {
    const total: Record<string, number> = {};
    for (const reasons of this.#reasons) {
      for (const reason in reasons) total[reason] = (total[reason] ?? 0) + reasons[reason]!;
    }
    return total;
  }

  // What a provider said of its limits holds until they are refilled, and not longer than the window.
  #headroomAt(nowMs: number): Headroom | undefined {
    const headroom = this.#headroom;
    if (!headroom) return undefined;
    const ageMs = nowMs - this.#headroomAtMs;
    const left = (headroom.resetInMs ?? SLOTS * SLOT_MS) - ageMs;
    if (left > 0) return { ...headroom, resetInMs: headroom.resetInMs === undefined ? undefined : left };
    return (this.#headroom = undefined);
  }

  /** The slot of now, after what has become too old is forgotten. */
  #slotAt(nowMs: number): number {
    const period = Math.floor(nowMs / SLOT_MS);
    if (period > this.#period) {
      this.#learnUsual();
      const passed = Math.min(period - this.#period, SLOTS);
      for (let i = 1; i <= passed; i++) this.#forget((this.#period + i) % SLOTS);
      this.#period = period;
      this.#changed();
    }
    return period % SLOTS;
  }

  #forget(slot: number): void {
    this.#attempts[slot] = 0;
    this.#failures[slot] = 0;
    this.#reasons[slot] = undefined;
    for (const times of this.#firstContent) times?.latest.forget(slot);
    this.#speed.forget(slot);
  }

  // A fiftieth of what is new every ten seconds: about ten minutes count.
  #learnUsual(): void {
    for (const times of this.#firstContent) {
      const now = times?.latest.percentiles()?.p95;
      if (!times || now === undefined) continue;
      const { usualP95Ms: usual } = times;
      times.usualP95Ms = usual === undefined ? now : usual + (now - usual) / 50;
    }
  }

  #changed(): void {
    this.#snapshots.fill(undefined);
  }
}

function sum(numbers: Uint32Array): number {
  let total = 0;
  for (const one of numbers) total += one;
  return total;
}
