/** The only source of time, timers, randomness and ids. Tests run on `VirtualRuntime`, where a seed replays a run. */
export interface Runtime {
  /** Wall clock, milliseconds since 1970. */
  nowMs(): number;
  /** Clock that never goes back, milliseconds from an arbitrary start. For durations and deadlines. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`. The timer does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Calls back once when the current turn of the event loop has handled its input. */
  afterTurn(callback: () => void): void;
  /** A number from 0 (inclusive) to 1 (exclusive). */
  random(): number;
  /** `byteLength` random bytes fit for secrets, in lower-case hexadecimal. */
  randomHex(byteLength: number): string;
  /** An id unique among all processes, for example `req_3f9c0a1b2d4e5f60718293a4`. Cheap enough for every request. */
  newId(prefix: string): string;
}

/** A running timer. */
export interface Timer {
  cancel(): void;
}
