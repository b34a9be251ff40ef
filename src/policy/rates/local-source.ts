import type { Runtime } from "../../runtime/runtime.ts";
import { ExactWindow } from "./exact-window.ts";
import type { PermitDraw, PermitGrant, PermitSource } from "./permit-source.ts";
import { SLOTS, SlidingWindow } from "./sliding-window.ts";

/** When what runs will be over cannot be told: ask again after this. */
const CONCURRENCY_RETRY_MS = 1_000;
/** Accounts of which nothing is used are forgotten when there are more than this. */
const MANY_ACCOUNTS = 4_096;

interface Counter {
  used(nowMs: number): number;
  add(nowMs: number, count: number): number;
  remove(nowMs: number, slot: number, count: number): void;
  msUntil(nowMs: number, most: number): number;
  msUntilEmpty(nowMs: number): number;
}

/** Counts what runs at the moment. */
class Running implements Counter {
  #count = 0;
  used(): number {
    return this.#count;
  }
  add(_nowMs: number, count: number): number {
    this.#count += count;
    return 0;
  }
  remove(_nowMs: number, _slot: number, count: number): void {
    this.#count = Math.max(0, this.#count - count);
  }
  msUntil(_nowMs: number, most: number): number {
    return this.#count <= most ? 0 : CONCURRENCY_RETRY_MS;
  }
  msUntilEmpty(nowMs: number): number {
    return this.msUntil(nowMs, 0);
  }
}

function counterOf(limit: number, windowMs: number): Counter {
  if (windowMs === 0) return new Running();
  return limit <= SLOTS ? new ExactWindow(windowMs) : new SlidingWindow(windowMs);
}

/** Permits of this process alone, exact and in memory. Answers always at once. */
export class LocalPermitSource implements PermitSource {
  readonly #runtime: Runtime;
  readonly #counters = new Map<string, Counter>();
  #sweepAt = MANY_ACCOUNTS;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  draw(draw: PermitDraw): PermitGrant {
    return this.#answer(draw, true);
  }

  peek(draw: PermitDraw): PermitGrant {
    return this.#answer(draw, false);
  }

  giveBack(account: string, slot: number, count: number): void {
    if (count > 0) this.#counters.get(account)?.remove(this.#runtime.monotonicMs(), slot, count);
  }

  /** How many accounts are remembered. */
  get size(): number {
    return this.#counters.size;
  }

  #answer({ account, limit, windowMs, wanted, least }: PermitDraw, takes: boolean): PermitGrant {
    const nowMs = this.#runtime.monotonicMs();
    const counter = this.#counter(account, limit, windowMs);
    const free = Math.max(0, limit - counter.used(nowMs));
    const granted = free < least ? 0 : Math.min(wanted, free);
    const slot = takes && granted > 0 ? counter.add(nowMs, granted) : 0;
    return {
      granted,
      validForMs: 0,
      slot,
      left: free - granted,
      retryInMs: free < least ? counter.msUntil(nowMs, limit - least) : 0,
      resetInMs: counter.msUntilEmpty(nowMs),
    };
  }

  // An account keeps its counter when its limit changes: what it has counted goes on.
  #counter(account: string, limit: number, windowMs: number): Counter {
    const known = this.#counters.get(account);
    if (known) return known;
    if (this.#counters.size >= this.#sweepAt) this.#sweep();
    const counter = counterOf(limit, windowMs);
    this.#counters.set(account, counter);
    return counter;
  }

  // An account of which nothing is used is the same as a new one.
  #sweep(): void {
    const nowMs = this.#runtime.monotonicMs();
    for (const [account, counter] of this.#counters) if (counter.used(nowMs) === 0) this.#counters.delete(account);
    this.#sweepAt = Math.max(MANY_ACCOUNTS, this.#counters.size * 2);
  }
}
