import type { Runtime } from "../../runtime/runtime.ts";
import type { PermitDraw, PermitGrant } from "../permit-source.ts";
import type { RedisConnection } from "./connection.ts";
import { DRAW_CONCURRENT } from "./permit-scripts.ts";
import { hashTag } from "./script.ts";

/** What the accounts of a permit source share. */
export interface PermitParts {
  readonly connection: RedisConnection;
  readonly runtime: Runtime;
  readonly replica: string;
  readonly leaseMs: number;
  replicas(): number;
  nextOperation(): number;
  onFallback(account: string): void;
}

/** One account's permits as this replica has them. */
export interface PermitAccount {
  /** Whether forgetting it loses nothing. */
  readonly isIdle: boolean;
  draw(draw: PermitDraw): PermitGrant | Promise<PermitGrant>;
  giveBack(slot: number, count: number): void;
  /** Called now and then, several times in the time of a lease. */
  refresh(): void;
}

// Permits that wait for a request are given back soon, since nobody else can use them meanwhile.
const VALID_FOR_MS = 1_000;
const RETRY_IN_MS = 50;

/** Permits of which each is held until its request is over. A dead replica's come free when its lease ends. */
export class ConcurrentAccount implements PermitAccount {
  readonly #name: string;
  readonly #parts: PermitParts;
  readonly #key: string;
  #held = 0;
  /** What Redis may count for this replica at most. */
  #counted = 0;
  #limit = 0;
  #tail: Promise<unknown> = Promise.resolve();
  #tellsSoon = false;

  constructor(name: string, parts: PermitParts) {
    this.#name = name;
    this.#parts = parts;
    this.#key = `${parts.connection.prefix}:permits:${hashTag(name)}`;
  }

  get isIdle(): boolean {
    return this.#held === 0 && this.#counted === 0;
  }

  draw(draw: PermitDraw): PermitGrant | Promise<PermitGrant> {
    this.#limit = draw.limit;
    if (this.#parts.connection.state.kind === "away") return this.#drawShare(draw);
    return this.#inTurn(async () => {
      try {
        const [granted, left] = await this.#ask(draw.wanted, draw.least);
        this.#held += granted;
        return grantOf(granted, left);
      } catch {
        return this.#drawShare(draw);
      }
    });
  }

  giveBack(_slot: number, count: number): void {
    this.#held = Math.max(0, this.#held - count);
    if (this.#tellsSoon) return;
    this.#tellsSoon = true;
    // Requests that end in the same turn are told together.
    this.#parts.runtime.afterTurn(() => {
      this.#tellsSoon = false;
      this.#tell();
    });
  }

  refresh(): void {
    if (!this.isIdle) this.#tell();
  }

  #tell(): void {
    if (this.#parts.connection.state.kind === "away") return;
    void this.#inTurn(() => this.#ask(0, 0)).catch(() => {});
  }

  async #ask(wanted: number, least: number): Promise<[granted: number, left: number]> {
    const { connection, replica, leaseMs } = this.#parts;
    const held = this.#held;
    const share = Math.max(1, this.#parts.replicas());
    this.#counted = Math.max(this.#counted, held + wanted);
    const numbers = [this.#parts.nextOperation(), held, wanted, least, this.#limit, share, leaseMs];
    const [granted = 0, left = 0] = await connection.run(DRAW_CONCURRENT, [this.#key], [replica, ...numbers]);
    if (Number(granted) < 0) return [0, 0];
    this.#counted = held + Number(granted);
    return [Number(granted), Number(left)];
  }

  #drawShare({ limit, wanted, least }: PermitDraw): PermitGrant {
    this.#parts.onFallback(this.#name);
    const room = Math.floor(limit / this.#parts.replicas()) - this.#held;
    const granted = room >= least ? Math.min(room, wanted) : 0;
    this.#held += granted;
    return grantOf(granted, Math.max(0, room - granted));
  }

  // What is held is told as a whole, hence one after the other.
  #inTurn<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(operation);
    this.#tail = result.catch(() => {});
    return result;
  }
}

function grantOf(granted: number, left: number): PermitGrant {
  return { granted, validForMs: VALID_FOR_MS, slot: 0, left, retryInMs: granted > 0 ? 0 : RETRY_IN_MS };
}
