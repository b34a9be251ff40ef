interface Entry {
  readonly id: number;
  readonly atMs: number;
  count: number;
}

/**
 * What was counted within the last `windowMs`, each entry with its own moment: for small limits, of which a slot would
 * cost too large a share. See `SlidingWindow`, which is the same for large ones.
 */
export class ExactWindow {
  readonly #windowMs: number;
  #entries: Entry[] = [];
  #used = 0;
  #ids = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  used(nowMs: number): number {
    let gone = 0;
    for (const { atMs, count } of this.#entries) {
      if (atMs + this.#windowMs > nowMs) break;
      this.#used -= count;
      gone += 1;
    }
    if (gone > 0) this.#entries = this.#entries.slice(gone);
    return this.#used;
  }

  add(nowMs: number, count: number): number {
    this.#ids += 1;
    this.#entries.push({ id: this.#ids, atMs: nowMs, count });
    this.#used += count;
    return this.#ids;
  }

  remove(_nowMs: number, id: number, count: number): void {
    const entry = this.#entries.find((one) => one.id === id);
    if (!entry) return;
    const removed = Math.min(count, entry.count);
    entry.count -= removed;
    this.#used -= removed;
  }

  msUntilEmpty(nowMs: number): number {
    if (this.used(nowMs) <= 0) return 0;
    const last = this.#entries.findLast(({ count }) => count > 0);
    return Math.floor((last?.atMs ?? nowMs) + this.#windowMs - nowMs) + 1;
  }

  msUntil(nowMs: number, most: number): number {
    let used = this.used(nowMs);
    if (used <= most) return 0;
    for (const { atMs, count } of this.#entries) {
      used -= count;
      // A whole millisecond later, so that rounding never makes it too early.
      if (used <= most) return Math.floor(atMs + this.#windowMs - nowMs) + 1;
    }
    return this.#windowMs;
  }
}
