/** A stretch of a text, `end` exclusive, in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The characters of a text that are part of a match of one rule, as stretches that do not touch, in order. */
export class Coverage {
  readonly #spans: Span[] = [];

  /** Adds a stretch; those it touches become one with it. Ends come in ascending order. */
  add(start: number, end: number): void {
    let from = start;
    let to = end;
    for (let last = this.#spans.at(-1); last && last.end >= from; last = this.#spans.at(-1)) {
      from = Math.min(from, last.start);
      to = Math.max(to, last.end);
      this.#spans.pop();
    }
    this.#spans.push({ start: from, end: to });
  }

  /** The first character from `position` on that is not covered. */
  firstUncovered(position: number): number {
    const span = this.#spans[this.#firstThatEndsBehind(position)];
    return span && span.start <= position ? span.end : position;
  }

  /** The first character from `position` on that is covered; `Infinity`: there is none. */
  firstCovered(position: number): number {
    const span = this.#spans[this.#firstThatEndsBehind(position)];
    return span ? Math.max(span.start, position) : Infinity;
  }

  /** Forgets what ends before `position`; what ends there may still grow. */
  prune(position: number): void {
    const gone = this.#firstThatEndsBehind(position - 1);
    if (gone > 0) this.#spans.splice(0, gone);
  }

  #firstThatEndsBehind(position: number): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#spans[middle]!.end <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
