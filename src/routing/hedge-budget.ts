/** When a second target is asked beside one that has no content yet. */
export interface HedgeSettings {
  /** Milliseconds without content, or `p95`: what the 95th percentile of the first target was of late. */
  readonly after: number | "p95";
  /** Most of the route's requests that may be hedged, in per cent. */
  readonly maxPercent: number;
}

// What a quiet time saves is spent at once when a provider gets slow: so few do no harm then.
const MOST_SAVED = 10;

/**
 * Bounds hedges, apart from extra attempts: each request of a route saves its share of one, and a hedge spends a whole one.
 * So never more than the percentage of all requests since the start are hedged.
 */
export class HedgeBudget {
  // By the route's settings, so that a reload forgets routes with them. In per cent of a hedge.
  readonly #saved = new WeakMap<HedgeSettings, number>();

  /** Counts a request of a route. */
  countRequest(settings: HedgeSettings): void {
    this.#saved.set(settings, Math.min(MOST_SAVED * 100, (this.#saved.get(settings) ?? 0) + settings.maxPercent));
  }

  /** Whether one more request may be hedged now; if so it is counted. */
  take(settings: HedgeSettings): boolean {
    const saved = this.#saved.get(settings) ?? 0;
    if (saved < 100) return false;
    this.#saved.set(settings, saved - 100);
    return true;
  }
}
