import type { Runtime } from "../../runtime/runtime.ts";
import type { Bank, Bucket, Draw, Grant, SpendSource } from "../bank.ts";
import type { LeaseBook } from "../lease-book.ts";
import type { RedisBus } from "./bus.ts";
import type { RedisConnection } from "./connection.ts";
import { LeasedAccount, type LeaseParts } from "./leased-account.ts";

/** What a bank over Redis works with. */
export interface RedisBankOptions {
  readonly connection: RedisConnection;
  readonly bus: RedisBus;
  readonly book: LeaseBook;
  readonly runtime: Runtime;
  /** Id of the data folder, and this process's epoch in it. */
  readonly replica: string;
  readonly epoch: number;
  /** How many replicas live; unset: one. */
  readonly replicas?: () => number;
  /** How long a draw that finds nothing waits for what others give back. */
  readonly askOthersForMs?: number;
  /** Throws where this replica may not draw. */
  readonly assertMayDraw?: () => void;
}

// Accounts are of keys and tags, which come and go: beyond this, those without a lease are forgotten.
const MAX_IDLE_ACCOUNTS = 10_000;
// After others asked, what is given back is told for as long as one of them may still be waiting.
const ASKED_FOR_MS = 500;
const ASK_OTHERS_FOR_MS = 100;

/**
 * The bank of a fleet: money is leased from counters in Redis, and every lease stands in the lease book before it is
 * drawn, so that counters which Redis lost are counted again, late and never wrong (docs/decisions/0011).
 */
export class RedisBank implements Bank {
  readonly #parts: LeaseParts;
  readonly #bus: RedisBus;
  readonly #runtime: Runtime;
  readonly #accounts = new Map<string, LeasedAccount>();
  readonly #listeners: ((account: string) => void)[] = [];
  /** Until when it is worth telling that something of an account came back. */
  readonly #askedUntilMs = new Map<string, number>();

  private constructor(options: RedisBankOptions) {
    const { bus, book, runtime, replica } = options;
    this.#bus = bus;
    this.#runtime = runtime;
    // One number per operation, over all lives of the replica.
    let operations = options.epoch * 2 ** 32;
    this.#parts = {
      connection: options.connection,
      book,
      runtime,
      replica,
      askOthersForMs: options.askOthersForMs ?? ASK_OTHERS_FOR_MS,
      replicas: options.replicas ?? (() => 1),
      assertMayDraw: options.assertMayDraw ?? (() => {}),
      nextOperation: () => ++operations,
      askOthers: (account) => this.#askOthers(account),
      gaveBack: (account) => this.#gaveBack(account),
    };
    bus.subscribe("bank", (text) => this.#hear(text));
  }

  /** A bank that knows what former lives of this replica have leased: all of it counts as spent until `settle`. */
  static async open(options: RedisBankOptions): Promise<RedisBank> {
    const bank = new RedisBank(options);
    for (const row of await options.book.ofReplica(options.replica)) bank.#account(row.account).inherit(row);
    return bank;
  }

  draw(draw: Draw): Grant | Promise<Grant> {
    return this.#account(draw.account).draw(draw);
  }

  giveBack({ account, bucket }: Bucket, nanoUsd: number): void {
    this.#account(account).giveBack(bucket, nanoUsd);
  }

  onWanted(listener: (account: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Lowers what former lives of this replica have leased to what its ledger says they spent. */
  async settle(source: SpendSource): Promise<void> {
    for (const account of this.#accounts.values()) await account.settle(source);
  }

  /** Resolves when everything that was given back is with the bank, or cannot get there at the moment. */
  async flush(): Promise<void> {
    await Promise.all([...this.#accounts.values()].map((account) => account.flush()));
  }

  /** The shared store answers again: what could not be given back meanwhile is. */
  resume(): void {
    for (const account of this.#accounts.values()) account.resume();
  }

  #account(name: string): LeasedAccount {
    let account = this.#accounts.get(name);
    if (!account) {
      if (this.#accounts.size >= MAX_IDLE_ACCOUNTS) this.#forgetIdle();
      this.#accounts.set(name, (account = new LeasedAccount(name, this.#parts)));
    }
    return account;
  }

  #forgetIdle(): void {
    for (const [name, account] of this.#accounts) if (account.isIdle) this.#accounts.delete(name);
  }

  #askOthers(account: string): void {
    this.#bus.publish("bank", `wanted ${account}`);
    // Purses of this replica's other buckets may hold what the same window lacks.
    for (const listener of this.#listeners) listener(account);
  }

  #gaveBack(account: string): void {
    const untilMs = this.#askedUntilMs.get(account);
    if (untilMs === undefined) return;
    if (untilMs < this.#runtime.monotonicMs()) this.#askedUntilMs.delete(account);
    else this.#bus.publish("bank", `returned ${account}`);
  }

  #hear(text: string): void {
    const space = text.indexOf(" ");
    const [what, account] = [text.slice(0, space), text.slice(space + 1)];
    if (what === "returned") return this.#accounts.get(account)?.hearReturned();
    if (what !== "wanted" || !this.#accounts.has(account)) return;
    this.#askedUntilMs.set(account, this.#runtime.monotonicMs() + ASKED_FOR_MS);
    for (const listener of this.#listeners) listener(account);
  }
}
