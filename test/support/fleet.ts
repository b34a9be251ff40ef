import { randomUUID } from "node:crypto";
import { realRuntime } from "../../src/runtime/real.ts";
import type { Bank, Bucket, Draw } from "../../src/store/bank.ts";
import type { LeaseBook } from "../../src/store/lease-book.ts";
import { RedisBank } from "../../src/store/redis/bank.ts";
import { RedisBus } from "../../src/store/redis/bus.ts";
import { RedisConnection } from "../../src/store/redis/connection.ts";

/** The shared store as one replica sees it. */
export interface FleetReplica {
  readonly id: string;
  readonly connection: RedisConnection;
  readonly bus: RedisBus;
  readonly bank: RedisBank;
}

/** Replicas in one process, each with connections of its own. */
export interface Fleet extends Disposable {
  readonly replicas: readonly FleetReplica[];
  readonly prefix: string;
}

/** How a fleet is started. */
export interface FleetOptions {
  readonly url: string | ((index: number) => string);
  readonly count: number;
  readonly book: LeaseBook;
  readonly commandTimeoutMs?: number;
  readonly askOthersForMs?: number;
  readonly prefix?: string;
  readonly epoch?: number;
}

/** Starts replicas that share what stands under a prefix of their own. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const prefix = options.prefix ?? `test-${randomUUID()}`;
  const replicas = await Promise.all(
    Array.from({ length: options.count }, (_, index) => startReplica(`replica-${index}`, index, prefix, options)),
  );
  return {
    replicas,
    prefix,
    [Symbol.dispose]() {
      for (const { connection } of replicas) connection.close();
    },
  };
}

async function startReplica(id: string, index: number, prefix: string, options: FleetOptions): Promise<FleetReplica> {
  const { url, count, book, commandTimeoutMs = 1_000, epoch = 1 } = options;
  const runtime = realRuntime();
  const opened: { bank?: RedisBank } = {};
  const connection = await RedisConnection.open({
    url: typeof url === "string" ? url : url(index),
    runtime,
    prefix,
    commandTimeoutMs,
    onState: ({ kind }) => kind === "connected" && opened.bank?.resume(),
  });
  const bus = await RedisBus.open(connection, id);
  const bank = await RedisBank.open({
    connection,
    bus,
    book,
    runtime,
    replica: id,
    epoch,
    replicas: () => count,
    ...(options.askOthersForMs === undefined ? {} : { askOthersForMs: options.askOthersForMs }),
  });
  opened.bank = bank;
  return { id, connection, bus, bank };
}

/** What is asked of a purse, less what it decides itself. */
export type PurseRule = Omit<Draw, "wantedNanoUsd" | "leastNanoUsd">;

/** The least that can spend from a bank: holds and settlements of one bucket, with draws for several callers at once. */
export class TestPurse {
  readonly #bank: Bank;
  readonly #rule: PurseRule;
  readonly #waiting: { amount: number; done: (granted: boolean) => void; failed: (error: unknown) => void }[] = [];
  #draws = false;
  /** Granted, held and spent, in nano-USD. */
  granted = 0;
  held = 0;
  spent = 0;

  constructor(bank: Bank, rule: PurseRule) {
    this.#bank = bank;
    this.#rule = rule;
    bank.onWanted((account) => account === rule.account && this.giveBackIdle());
  }

  get idle(): number {
    return this.granted - this.held - this.spent;
  }

  /** Takes what a call may cost; false: the budget does not allow it. */
  hold(amount: number): boolean | Promise<boolean> {
    if (this.#waiting.length === 0 && this.idle >= amount) {
      this.held += amount;
      return true;
    }
    return new Promise((done, failed) => {
      this.#waiting.push({ amount, done, failed });
      void this.#serve();
    });
  }

  settle(amount: number, cost: number): void {
    this.held -= amount;
    this.spent += cost;
  }

  giveBackIdle(): void {
    const bucket: Bucket = this.#rule;
    const spare = this.#waiting.length === 0 ? this.idle : 0;
    if (spare <= 0) return;
    this.granted -= spare;
    this.#bank.giveBack(bucket, spare);
  }

  async #serve(): Promise<void> {
    if (this.#draws) return;
    this.#draws = true;
    try {
      while (this.#waiting.length > 0) await this.#serveFirst();
    } catch (error) {
      for (const { failed } of this.#waiting.splice(0)) failed(error);
    } finally {
      this.#draws = false;
    }
  }

  async #serveFirst(): Promise<void> {
    const { amount, done } = this.#waiting[0]!;
    let refused = false;
    if (this.idle < amount) {
      const all = this.#waiting.reduce((sum, one) => sum + one.amount, 0);
      const leastNanoUsd = amount - this.idle;
      const wantedNanoUsd = Math.max(leastNanoUsd, all - this.idle);
      const { grantedNanoUsd } = await this.#bank.draw({ ...this.#rule, leastNanoUsd, wantedNanoUsd });
      this.granted += grantedNanoUsd;
      refused = grantedNanoUsd === 0 && this.idle < amount;
    }
    if (!refused && this.idle < amount) return;
    this.#waiting.shift();
    if (!refused) this.held += amount;
    done(!refused);
  }
}
