import type { Runtime, Timer } from "../../runtime/runtime.ts";
import type { PermitDraw, PermitGrant, PermitSource } from "../permit-source.ts";
import type { RedisConnection } from "./connection.ts";
import { ConcurrentAccount, type PermitAccount, type PermitParts } from "./permits-concurrent.ts";
import { WindowAccount } from "./permits-window.ts";
import { REPLICA_LEASE_MS } from "./replicas.ts";

/** What permits over Redis work with. */
export interface RedisPermitsOptions {
  readonly connection: RedisConnection;
  readonly runtime: Runtime;
  readonly replica: string;
  readonly epoch: number;
  /** How many replicas live; unset: one. */
  readonly replicas?: () => number;
  /** How long permits of those at once are held for a replica that says nothing any more. */
  readonly leaseMs?: number;
  /** Told whenever a draw was answered from this replica's own share, because the shared store is away. */
  readonly onFallback?: (account: string) => void;
}

// How often in its time a lease is renewed.
const REFRESHES_PER_LEASE = 5;
// Accounts are of keys, models and tags, which come and go.
const MAX_IDLE_ACCOUNTS = 10_000;

/**
 * Permits of a fleet, counted in Redis by its own clock. While it is away each replica admits its share, the limit
 * divided by the replicas that lived last.
 */
export class RedisPermits implements PermitSource {
  readonly #parts: PermitParts;
  readonly #accounts = new Map<string, PermitAccount>();
  #refresh: Timer | undefined;
  #isClosed = false;

  constructor(options: RedisPermitsOptions) {
    const { connection, runtime, replica } = options;
    let operations = options.epoch * 2 ** 32;
    this.#parts = {
      connection,
      runtime,
      replica,
      replicas: options.replicas ?? (() => 1),
      leaseMs: options.leaseMs ?? REPLICA_LEASE_MS,
      nextOperation: () => ++operations,
      onFallback: options.onFallback ?? (() => {}),
    };
    this.#refreshLater();
  }

  draw(draw: PermitDraw): PermitGrant | Promise<PermitGrant> {
    let account = this.#accounts.get(draw.account);
    if (!account) {
      if (this.#accounts.size >= MAX_IDLE_ACCOUNTS) this.#forgetIdle();
      const Kind = draw.windowMs === 0 ? ConcurrentAccount : WindowAccount;
      this.#accounts.set(draw.account, (account = new Kind(draw.account, this.#parts)));
    }
    return account.draw(draw);
  }

  giveBack(account: string, slot: number, count: number): void {
    this.#accounts.get(account)?.giveBack(slot, count);
  }

  /** Ends at once; what this replica still holds comes free when its time is over. */
  close(): void {
    this.#isClosed = true;
    this.#refresh?.cancel();
  }

  #forgetIdle(): void {
    for (const [name, account] of this.#accounts) if (account.isIdle) this.#accounts.delete(name);
  }

  #refreshLater(): void {
    this.#refresh = this.#parts.runtime.setTimer(this.#parts.leaseMs / REFRESHES_PER_LEASE, () => {
      for (const account of this.#accounts.values()) account.refresh();
      if (!this.#isClosed) this.#refreshLater();
    });
  }
}
