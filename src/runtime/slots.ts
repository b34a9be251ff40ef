/** How much of a kind may run at once. */
export class Slots {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes one, or returns false where none is left. */
  tryTake(): boolean {
    if (this.#taken >= this.#most) return false;
    this.#taken += 1;
    return true;
  }

  /** Gives one back that was taken. */
  give(): void {
    this.#taken -= 1;
  }
}
