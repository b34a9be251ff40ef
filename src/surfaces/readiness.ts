/** Where the gateway is in its life. */
export type ReadinessState = "starting" | "ready" | "draining";

/** Whether the gateway wants new requests; `/readyz`, gRPC health and the listener share one. */
export class Readiness {
  #state: ReadinessState = "starting";
  readonly #listeners = new Set<(state: ReadinessState) => void>();

  get state(): ReadinessState {
    return this.#state;
  }

  /** Moves on. Draining is final. */
  set(state: ReadinessState): void {
    if (this.#state === state || this.#state === "draining") return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  /** Calls `listener` on each change until the returned function is called. */
  subscribe(listener: (state: ReadinessState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
