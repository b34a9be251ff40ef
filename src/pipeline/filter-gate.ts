import type { StreamEvent } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { AnswerFilter, Filtered } from "./filter.ts";

/** Stands between what was decoded and what is delivered, and keeps the order where hooks take their time. */
export class FilterGate {
  readonly filter: AnswerFilter;
  readonly #deliver: (filtered: Filtered) => void;
  #verdict: Promise<ParleyError | undefined> | undefined;
  #stopped = false;

  /** `deliver` throws what the answer ends with. */
  constructor(filter: AnswerFilter, deliver: (filtered: Filtered) => void) {
    this.filter = filter;
    this.#deliver = deliver;
  }

  /** Resolves when nothing waits for a hook any more, with the error that the answer ends with; undefined: nothing waits. */
  get verdict(): Promise<ParleyError | undefined> | undefined {
    return this.#verdict;
  }

  /** Filters events and delivers what may leave. Throws what the answer ends with. */
  take(events: readonly StreamEvent[]): void {
    const filtered = this.filter.push(events);
    this.#deliver(filtered);
    if (filtered.waits) this.#verdict ??= this.#await();
  }

  /** The attempt is over: what still waits is not delivered. */
  stop(): void {
    this.#stopped = true;
    this.#verdict = undefined;
  }

  async #await(): Promise<ParleyError | undefined> {
    for (;;) {
      const judged = await this.filter.next();
      if (this.#stopped) return undefined;
      try {
        this.#deliver(judged);
        const rest = this.filter.resume();
        this.#deliver(rest);
        if (rest.waits) continue;
      } catch (thrown) {
        return ParleyError.from(thrown);
      }
      this.#verdict = undefined;
      return undefined;
    }
  }
}
