import type { RestRule, Unavailable } from "./live.ts";

/** What another replica said: it holds for its time, and needs no probe of ours. */
export class ToldRest {
  #rule: RestRule = "breaker";
  #untilMs = 0;

  set(nowMs: number, rule: RestRule, forMs: number): void {
    this.#rule = rule;
    this.#untilMs = nowMs + forMs;
  }

  unavailable(nowMs: number): Unavailable | undefined {
    if (this.#untilMs <= nowMs) return undefined;
    return rest(this.#rule, this.#untilMs - nowMs, "another replica of the gateway has found that it should rest");
  }
}

/** A rest by a rule. */
export function rest(rule: RestRule, retryInMs: number, why: string): Unavailable {
  return { rule, retryInMs, why };
}
