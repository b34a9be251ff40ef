import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { expect } from "vitest";
import { ParleyError } from "../../src/errors/index.ts";
import { VirtualRuntime } from "../../src/runtime/virtual.ts";
import { TestPurse, type Fleet } from "./fleet.ts";
import type { TestLeaseBook } from "./services/lease-book.ts";

const MEAN_HOLD = 1_000_000;
const LIMIT = 1_000 * MEAN_HOLD;
const CALLERS = 1_000;

/** What a flood came to. */
export interface FloodResult {
  readonly limitNanoUsd: number;
  /** Most that was held and spent together at any moment, over all replicas. */
  readonly mostHeldNanoUsd: number;
  readonly spentNanoUsd: number;
  /** What the lease book says once everything that is not spent was given back. */
  readonly leasedNanoUsd: number;
  readonly calls: number;
  /** Holds that were refused because nobody could tell what is left, and the longest that one of them took. */
  readonly unknown: number;
  readonly longestUnknownMs: number;
}

/** What happens while the flood runs: called after each hold with how many there were. */
export type Disturbance = (calls: number) => void;

/** Lets callers spend one budget as fast as they can, until none of them gets anything any more. */
export async function flood(
  fleet: Fleet,
  book: TestLeaseBook,
  seed: number,
  disturb?: Disturbance,
): Promise<FloodResult> {
  const dice = new VirtualRuntime({ seed });
  const account = `key:k1|calendar_day@UTC|${randomUUID()}`;
  const rule = { account, bucket: 20_000, window: [20_000], limitNanoUsd: LIMIT };
  const purses = fleet.replicas.map(({ bank }) => new TestPurse(bank, rule));
  const total = (): number => purses.reduce((sum, purse) => sum + purse.held + purse.spent, 0);
  let mostHeldNanoUsd = 0;
  let calls = 0;
  let unknown = 0;
  let longestUnknownMs = 0;
  const call = async (index: number): Promise<void> => {
    const purse = purses[index % purses.length]!;
    for (;;) {
      const amount = Math.floor(MEAN_HOLD * (0.5 + dice.random()));
      const askedMs = performance.now();
      try {
        if (!(await purse.hold(amount))) return;
      } catch (error) {
        expect(error).toBeInstanceOf(ParleyError);
        unknown += 1;
        longestUnknownMs = Math.max(longestUnknownMs, performance.now() - askedMs);
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      disturb?.(++calls);
      mostHeldNanoUsd = Math.max(mostHeldNanoUsd, total());
      for (let turns = Math.floor(dice.random() * 5); turns > 0; turns--) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      purse.settle(amount, Math.floor(amount * (0.3 + 0.7 * dice.random())));
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, index) => call(index)));
  for (const purse of purses) purse.giveBackIdle();
  for (const { bank } of fleet.replicas) await bank.flush();
  return {
    limitNanoUsd: LIMIT,
    mostHeldNanoUsd,
    spentNanoUsd: purses.reduce((sum, purse) => sum + purse.spent, 0),
    leasedNanoUsd: book.total(account),
    calls,
    unknown,
    longestUnknownMs,
  };
}

/** The same with a counter that is read, compared and added to. */
export async function floodUnchecked(clients: readonly Redis[], seed: number): Promise<number> {
  const dice = new VirtualRuntime({ seed });
  const key = `unchecked-${randomUUID()}`;
  const call = async (index: number): Promise<void> => {
    const client = clients[index % clients.length]!;
    for (;;) {
      const amount = Math.floor(MEAN_HOLD * (0.5 + dice.random()));
      if (Number((await client.get(key)) ?? 0) + amount > LIMIT) return;
      await client.incrby(key, amount);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, index) => call(index)));
  return Number(await clients[0]!.get(key)) / LIMIT;
}
