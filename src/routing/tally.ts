const REMEMBERED = 50;

/** How many of the latest 50 calls were bad, and how many of the very last ones in a row. */
export class Tally {
  readonly #bad = new Uint8Array(REMEMBERED);
  #next = 0;
  count = 0;
  bad = 0;
  badInRow = 0;

  add(isBad: boolean): void {
    const flag = isBad ? 1 : 0;
    this.bad += flag - this.#bad[this.#next]!;
    this.#bad[this.#next] = flag;
    this.#next = (this.#next + 1) % REMEMBERED;
    if (this.count < REMEMBERED) this.count += 1;
    this.badInRow = isBad ? this.badInRow + 1 : 0;
  }

  clear(): void {
    this.#bad.fill(0);
    this.#next = 0;
    this.count = 0;
    this.bad = 0;
    this.badInRow = 0;
  }
}
