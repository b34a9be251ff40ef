import { ParleyError } from "../../errors/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { ChangeFeed } from "../change-feed.ts";
import type { HealthExchange } from "../health-exchange.ts";
import type { LeaseBook } from "../lease-book.ts";
import { RedisBank } from "./bank.ts";
import { RedisBus } from "./bus.ts";
import { createRedisChangeFeed } from "./change-feed.ts";
import { RedisConnection, type RedisState } from "./connection.ts";
import { createRedisHealthExchange } from "./health-exchange.ts";
import { RedisPermits } from "./permits.ts";
import { Replicas } from "./replicas.ts";

/** Everything that replicas share through Redis. */
export interface SharedStore {
  readonly bank: RedisBank;
  readonly permits: RedisPermits;
  readonly health: HealthExchange;
  readonly changes: ChangeFeed;
  readonly replicas: Replicas;
  /** Whether Redis answers at the moment. */
  readonly state: RedisState;
  /** How many draws of permits were answered from this replica's own share, since the start. */
  readonly fallbacks: number;
  /** Throws where this replica has been cut off for too long, unless it is to go on all the same. */
  assertNotIsolated(): void;
  /** Returns what can be returned, says goodbye and ends. */
  close(): Promise<void>;
}

/** How the shared store is opened. */
export interface SharedStoreOptions {
  readonly url: string;
  readonly runtime: Runtime;
  /** Id of the data folder, and this process's epoch in it. */
  readonly replica: string;
  readonly epoch: number;
  readonly book: LeaseBook;
  /** Begins every key and channel. */
  readonly prefix?: string;
  readonly isolatedAfterMs?: number;
  readonly whenIsolated: "refuse" | "continue";
  /** Told of every change between connected and away. */
  readonly onState?: (state: RedisState) => void;
}

const CLOSE_WITHIN_MS = 1_000;

/** Connects to Redis and joins the other replicas. Throws `MISCONFIGURED` where Redis cannot be had or trusted. */
export async function openSharedStore(options: SharedStoreOptions): Promise<SharedStore> {
  const { url, runtime, replica, epoch, book, prefix, isolatedAfterMs, onState } = options;
  const opened: { bank?: RedisBank } = {};
  const connection = await RedisConnection.open({
    url,
    runtime,
    ...(prefix === undefined ? {} : { prefix }),
    onState(state) {
      if (state.kind === "connected") opened.bank?.resume();
      onState?.(state);
    },
  });
  try {
    const bus = await RedisBus.open(connection, replica);
    const self = { id: replica, epoch };
    const isolated = isolatedAfterMs === undefined ? {} : { isolatedAfterMs };
    const replicas = await Replicas.join({ connection, runtime, self, ...isolated });
    const shared = { connection, runtime, replica, epoch, replicas: () => replicas.count };
    const bank = await RedisBank.open({ ...shared, bus, book, assertMayDraw: () => replicas.assertIsSelf() });
    opened.bank = bank;
    let fallbacks = 0;
    const permits = new RedisPermits({ ...shared, onFallback: () => (fallbacks += 1) });
    return {
      bank,
      permits,
      health: createRedisHealthExchange(bus),
      changes: createRedisChangeFeed(bus),
      replicas,
      get state() {
        return connection.state;
      },
      get fallbacks() {
        return fallbacks;
      },
      assertNotIsolated() {
        if (options.whenIsolated === "continue" || !replicas.isIsolated) return;
        throw new ParleyError(
          "GATEWAY_OVERLOADED",
          `Cannot serve requests: this replica has had no word from Redis for ${Math.floor(replicas.silentMs / 1_000)} s; ` +
            "fleet.when_isolated is refuse",
        );
      },
      async close() {
        permits.close();
        await within(runtime, CLOSE_WITHIN_MS, bank.flush());
        await replicas.leave();
        connection.close();
      },
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Resolves when the work is done or its time is over. */
function within(runtime: Runtime, limitMs: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = runtime.setTimer(limitMs, resolve);
    const end = (): void => {
      timer.cancel();
      resolve();
    };
    work.then(end, end);
  });
}
