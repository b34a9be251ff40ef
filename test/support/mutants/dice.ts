import { VirtualRuntime } from "../../../src/runtime/virtual.ts";

/** Random choices that a seed repeats. */
export class Dice {
  readonly #random: VirtualRuntime;

  constructor(seed: number) {
    this.#random = new VirtualRuntime({ seed });
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random.random() * limit);
  }

  /** True in `share` of all cases, from 0 to 1. */
  chance(share: number): boolean {
    return this.#random.random() < share;
  }

  /** One of a list that is not empty. */
  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }
}

/** The seed of one of many cases, so that each can be repeated on its own. */
export function seedOf(base: number, index: number): number {
  return Math.imul(base, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
}
