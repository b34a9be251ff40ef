/** How finely a window slides: what is counted leaves it up to one of so many slots late, never early. */
export const SLOTS = 100;

/**
 * What was counted within the last `windowMs`, in slots of a hundredth. A slot counts until all of it is older than the
 * window: in no window of this length, wherever it begins, is more than `used` has told.
 */
export class SlidingWindow {
  readonly #slotMs: number;
  // The newest slot may be a moment old and the oldest a moment too old: together they are one more than the window has.
  readonly #counts = new Float64Array(SLOTS + 1);
  #newest = 0;
  #used = 0;

  constructor(windowMs: number) {
    this.#slotMs = windowMs / SLOTS;
  }

  /** What counts at a moment of a clock that never goes back, in milliseconds. */
  used(nowMs: number): number {
    this.#slideTo(Math.floor(nowMs / this.#slotMs));
    return this.#used;
  }

  /** Counts at a moment, and tells in which slot. */
  add(nowMs: number, count: number): number {
    const slot = Math.floor(nowMs / this.#slotMs);
    this.#slideTo(slot);
    this.#counts[slot % this.#counts.length]! += count;
    this.#used += count;
    return slot;
  }

  /** Takes back what was counted in a slot. What has left the window is nobody's concern any more. */
  remove(nowMs: number, slot: number, count: number): void {
    this.#slideTo(Math.floor(nowMs / this.#slotMs));
    if (slot <= this.#newest - this.#counts.length || slot > this.#newest) return;
    const place = slot % this.#counts.length;
    const removed = Math.min(count, this.#counts[place]!);
    this.#counts[place]! -= removed;
    this.#used -= removed;
  }

  /** Milliseconds until no more than `most` is used, if nothing is added; 0: now. */
  msUntil(nowMs: number, most: number): number {
    let used = this.used(nowMs);
    if (used <= most) return 0;
    const { length } = this.#counts;
    for (let slot = Math.max(0, this.#newest - length + 1); slot <= this.#newest; slot++) {
      used -= this.#counts[slot % length]!;
      // A whole millisecond later, so that rounding never makes it too early.
      if (used <= most) return Math.floor((slot + length) * this.#slotMs - nowMs) + 1;
    }
    return Math.ceil(length * this.#slotMs);
  }

  /** Milliseconds until nothing is used, if nothing is added; 0: now. */
  msUntilEmpty(nowMs: number): number {
    if (this.used(nowMs) <= 0) return 0;
    const { length } = this.#counts;
    // What was counted last leaves last.
    let slot = this.#newest;
    while (slot > this.#newest - length && this.#counts[slot % length]! <= 0) slot -= 1;
    return Math.floor((slot + length) * this.#slotMs - nowMs) + 1;
  }

  #slideTo(slot: number): void {
    if (slot <= this.#newest) return;
    const { length } = this.#counts;
    if (slot - this.#newest >= length) {
      this.#counts.fill(0);
      this.#used = 0;
    } else {
      for (let gone = this.#newest + 1; gone <= slot; gone++) {
        this.#used -= this.#counts[gone % length]!;
        this.#counts[gone % length] = 0;
      }
    }
    this.#newest = slot;
  }
}
