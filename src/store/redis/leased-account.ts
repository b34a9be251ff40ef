import { ParleyError } from "../../errors/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Draw, Grant, SpendSource } from "../bank.ts";
import type { LeaseBook, LeaseRow } from "../lease-book.ts";
import { DRAW, REBUILD } from "./bank-scripts.ts";
import type { RedisConnection, ScriptAnswer } from "./connection.ts";
import { isUntidy, newLine, windowOf, type Line, type Window } from "./lease-line.ts";
import { Patience } from "./patience.ts";
import { hashTag } from "./script.ts";

/** What the accounts of a bank share. */
export interface LeaseParts {
  readonly connection: RedisConnection;
  readonly book: LeaseBook;
  readonly runtime: Runtime;
  readonly replica: string;
  /** How long a draw waits for what others give back. */
  readonly askOthersForMs: number;
  replicas(): number;
  assertMayDraw(): void;
  /** A number that no operation of this replica had before, and higher than all of them. */
  nextOperation(): number;
  askOthers(account: string): void;
  /** Something of the account is there for others again. */
  gaveBack(account: string): void;
}

// An account that nobody touches is forgotten by Redis long after its longest window, and then read from the book.
const TIME_TO_LIVE_MS = 62 * 86_400_000;
const ISSUE_AT_MOST = 3;
const SETTLE_WITHIN_MS = 1_000;
const REFUSE_FOR_MS = 50;

/** One account's leases of this replica, and their way to Redis and the book: one operation after the other. */
export class LeasedAccount {
  readonly #name: string;
  readonly #parts: LeaseParts;
  readonly #keys: readonly [string, string];
  readonly #lines = new Map<number, Line>();
  readonly #waiters = new Set<Patience>();
  #tail: Promise<unknown> = Promise.resolve();
  #queued = 0;
  #tidies = false;
  /** Until when others need not be asked again. */
  #vainUntilMs = 0;

  constructor(name: string, parts: LeaseParts) {
    this.#name = name;
    this.#parts = parts;
    const key = `${parts.connection.prefix}:bank:${hashTag(name)}`;
    this.#keys = [key, `${key}:rebuilt-by`];
  }

  /** Whether forgetting it loses nothing. */
  get isIdle(): boolean {
    if (this.#queued > 0) return false;
    for (const line of this.#lines.values()) if (line.held > 0 || line.draws > 0 || isUntidy(line)) return false;
    return true;
  }

  /** Takes over what a former life has left. */
  inherit({ bucket, netNanoUsd }: LeaseRow): void {
    const line = this.#line(bucket);
    line.held = line.inherited = line.booked = line.counted = netNanoUsd;
    line.isKnown = true;
  }

  draw(draw: Draw): Grant | Promise<Grant> {
    const line = this.#line(draw.bucket);
    if (draw.leastNanoUsd >= line.refusedLeast && this.#parts.runtime.monotonicMs() < line.refusedUntilMs) {
      return { grantedNanoUsd: 0, leftNanoUsd: line.left };
    }
    return this.#drawAndAskOthers(line, draw);
  }

  giveBack(bucket: number, nanoUsd: number): void {
    const line = this.#line(bucket);
    if (!Number.isSafeInteger(nanoUsd) || nanoUsd < 0 || nanoUsd > line.held - line.inherited) {
      throw new RangeError(`Cannot give back ${nanoUsd} nano-USD of ${this.#name}: it holds ${line.held}`);
    }
    line.held -= nanoUsd;
    line.refusedUntilMs = 0;
    this.#tidySoon();
  }

  async settle(source: SpendSource): Promise<void> {
    const lines = [...this.#lines.values()].filter((line) => line.inherited > 0);
    if (lines.length === 0) return;
    const spent = await source.spent(
      this.#name,
      lines.map((line) => line.bucket),
    );
    for (const line of lines) {
      // More than was leased is an overrun of a provider's own worst case, and counts all the same.
      line.held += (spent.get(line.bucket) ?? 0) - line.inherited;
      line.inherited = 0;
    }
    this.#tidySoon();
    await this.flush();
  }

  async flush(): Promise<void> {
    await this.#tail;
  }

  resume(): void {
    if ([...this.#lines.values()].some(isUntidy)) this.#tidySoon();
  }

  hearReturned(): void {
    this.#vainUntilMs = 0;
    for (const line of this.#lines.values()) line.refusedUntilMs = 0;
    for (const waiter of this.#waiters) waiter.wake();
  }

  async #drawAndAskOthers(line: Line, draw: Draw): Promise<Grant> {
    const { runtime } = this.#parts;
    const patience = new Patience(runtime, this.#parts.askOthersForMs);
    line.draws += 1;
    try {
      for (;;) {
        const grant = await this.#inTurn(() => this.#ask(line, draw));
        if (grant.grantedNanoUsd > 0) {
          line.refusedUntilMs = 0;
          return grant;
        }
        // What the limit itself does not allow, nobody can give back; nor what they have just been asked for in vain.
        const isVain = patience.turns === 0 && runtime.monotonicMs() < this.#vainUntilMs;
        if (draw.leastNanoUsd > draw.limitNanoUsd || isVain || patience.isOver) {
          if (patience.isOver) this.#vainUntilMs = runtime.monotonicMs() + REFUSE_FOR_MS;
          line.refusedUntilMs = runtime.monotonicMs() + REFUSE_FOR_MS;
          line.refusedLeast = draw.leastNanoUsd;
          line.left = grant.leftNanoUsd;
          return grant;
        }
        this.#waiters.add(patience);
        if (patience.turns === 0) this.#parts.askOthers(this.#name);
        await patience.next();
      }
    } finally {
      line.draws -= 1;
      patience.end();
      this.#waiters.delete(patience);
      this.#tidySoon();
    }
  }

  #inTurn<T>(operation: () => Promise<T>): Promise<T> {
    this.#queued += 1;
    const result = this.#tail.then(operation).finally(() => (this.#queued -= 1));
    this.#tail = result.catch(() => {});
    return result;
  }

  /** Draws once: the intent is in the book before Redis is asked. */
  async #ask(line: Line, draw: Draw): Promise<Grant> {
    const { connection, runtime } = this.#parts;
    const deadlineMs = runtime.monotonicMs() + SETTLE_WITHIN_MS;
    const window = windowOf(draw);
    if (!line.isKnown) await this.#know(line);
    for (;;) {
      this.#parts.assertMayDraw();
      // Away is known before the book is troubled.
      if (connection.state.kind === "away") throw connection.awayError();
      const held = line.held;
      const wanted = Math.min(draw.wantedNanoUsd, draw.limitNanoUsd);
      if (line.booked < held + wanted || line.generation === 0) await this.#book(line, held + wanted);
      const answer = await this.#operate(line, held, wanted, draw, window);
      const [status, granted = 0, left = 0] = answer;
      if (status === "ok") {
        line.held += Number(granted);
        line.counted = held + Number(granted);
        return { grantedNanoUsd: Number(granted), leftNanoUsd: Number(left) };
      }
      if (runtime.monotonicMs() > deadlineMs) throw connection.awayError();
      if (status === "lost") await this.#rebuild(window);
      else if (status === "wait") await new Patience(runtime, SETTLE_WITHIN_MS).next();
      line.generation = 0;
    }
  }

  /** A replica that was alone until now has spent money of which no lease tells. */
  async #know(line: Line): Promise<void> {
    line.held += await this.#parts.book.spentBefore(this.#name, line.bucket, this.#parts.replica);
    line.isKnown = true;
  }

  /** Sends one operation, and the same again where its answer is lost: it then has the same answer. */
  async #operate(
    line: Line,
    held: number,
    wanted: number,
    draw: Pick<Draw, "leastNanoUsd" | "limitNanoUsd">,
    window: Window,
  ): Promise<ScriptAnswer> {
    const { connection, replica } = this.#parts;
    const share = Math.max(1, 2 * this.#parts.replicas());
    const { bucket, generation } = line;
    line.counted = Math.max(line.counted, held + wanted);
    const limits = [draw.leastNanoUsd, draw.limitNanoUsd, window.first, window.step, window.count, share];
    const args = [replica, this.#parts.nextOperation(), generation, bucket, held, wanted, ...limits, TIME_TO_LIVE_MS];
    for (let issue = 1; ; issue++) {
      try {
        return await connection.run(DRAW, this.#keys, args);
      } catch (error) {
        if (issue === ISSUE_AT_MOST || connection.state.kind === "away") throw error;
      }
    }
  }

  async #book(line: Line, netNanoUsd: number): Promise<void> {
    const { book, replica } = this.#parts;
    try {
      const row = { account: this.#name, bucket: line.bucket, replica, netNanoUsd };
      line.generation = await book.set(row, this.#parts.nextOperation());
      line.booked = netNanoUsd;
    } catch (error) {
      // It may have been written all the same.
      line.booked = Math.max(line.booked, netNanoUsd);
      line.generation = 0;
      if (error instanceof ParleyError) throw error;
      throw new ParleyError("GATEWAY_OVERLOADED", "Cannot use the lease book: the database did not take a lease", {
        cause: error,
      });
    }
  }

  async #rebuild({ first, step, count }: Window): Promise<void> {
    const { book, connection } = this.#parts;
    const buckets = Array.from({ length: 2 * count - 1 }, (_, index) => first + index * step).filter((one) => one >= 0);
    const { generation, rows } = await book.beginGeneration(this.#name, buckets);
    const leases = rows.flatMap((row) => [row.bucket, row.replica, row.netNanoUsd]);
    const args = [generation, this.#name, TIME_TO_LIVE_MS, buckets.length, ...buckets, ...leases];
    await connection.run(REBUILD, this.#keys, args);
  }

  #tidySoon(): void {
    if (this.#tidies || ![...this.#lines.values()].some(isUntidy)) return;
    this.#tidies = true;
    void this.#inTurn(() => this.#tidy()).catch(() => {});
  }

  /** Lets Redis, then the book know what is held no more; in this order, so that the book never knows of less. */
  async #tidy(): Promise<void> {
    this.#tidies = false;
    let gaveBack = false;
    for (const line of this.#lines.values()) {
      if (!isUntidy(line)) continue;
      const { held } = line;
      if (line.booked < held) await this.#book(line, held);
      if (line.counted !== held && (await this.#tellHeld(line, held))) gaveBack = true;
      // Whoever draws next writes it anyway.
      if (line.booked !== line.held && this.#queued === 1 && this.#waiters.size === 0)
        await this.#book(line, line.held);
      if (line.held === 0 && line.draws === 0 && !isUntidy(line)) this.#lines.delete(line.bucket);
    }
    if (!gaveBack) return;
    this.#parts.gaveBack(this.#name);
    this.hearReturned();
  }

  async #tellHeld(line: Line, held: number): Promise<boolean> {
    const limits = { leastNanoUsd: 0, limitNanoUsd: 0 };
    for (let turn = 0; turn < ISSUE_AT_MOST; turn++) {
      if (line.generation === 0) await this.#book(line, line.booked);
      const [status] = await this.#operate(line, held, 0, limits, { first: 0, step: 0, count: 0 });
      // What Redis has lost it need not give back: it is read from the book when somebody asks.
      if (status === "ok" || status === "lost") {
        line.counted = held;
        return true;
      }
      line.generation = 0;
    }
    return false;
  }

  #line(bucket: number): Line {
    let line = this.#lines.get(bucket);
    if (!line) {
      line = newLine(bucket);
      this.#lines.set(bucket, line);
    }
    return line;
  }
}
