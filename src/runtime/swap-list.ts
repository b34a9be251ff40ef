/** An item that knows its place in the one list it is in; -1 while it is in none. */
export interface Listed {
  place: number;
}

/**
 * What runs at the moment, in no order: an array that fills gaps from its end. A `Set` that lives as long as the process
 * and changes with every request is dear: each time it grows a new table, the old one keeps what it held alive until the
 * next full collection (measured: three times as much survives the young generation).
 */
export class SwapList<Item extends Listed> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** Adds an item that is in no list. */
  add(item: Item): void {
    item.place = this.#items.length;
    this.#items.push(item);
  }

  /** Removes an item; one that is in no list changes nothing. */
  delete(item: Item): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#items[place] = last;
    last.place = place;
  }

  /** The items as of now. */
  items(): readonly Item[] {
    return [...this.#items];
  }
}
