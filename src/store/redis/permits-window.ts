import type { PermitDraw, PermitGrant } from "../permit-source.ts";
import { DRAW_WINDOW, RETURN_WINDOW } from "./permit-scripts.ts";
import type { PermitAccount, PermitParts } from "./permits-concurrent.ts";
import { hashTag } from "./script.ts";

/** What this replica was granted in one slot. */
interface Taken {
  readonly slot: number;
  /** Redis counts it too. */
  isShared: boolean;
  count: number;
  /** Monotonic; from then on no window has it. */
  readonly endsMs: number;
}

// Together they are what even load loses of a limit: a hundredth for slots, two for permits that lie in wait.
const SLOTS_PER_WINDOW = 100;
const VALID_SHARE = 0.02;
const VALID_MS = { least: 25, most: 1_000 };
const RETRY_IN_MS = 50;

/** Permits of which a window of time has only so many. */
export class WindowAccount implements PermitAccount {
  readonly #name: string;
  readonly #parts: PermitParts;
  readonly #key: string;
  // In the order of their ends.
  #taken: Taken[] = [];

  constructor(name: string, parts: PermitParts) {
    this.#name = name;
    this.#parts = parts;
    this.#key = `${parts.connection.prefix}:permits:${hashTag(name)}`;
  }

  get isIdle(): boolean {
    this.refresh();
    return this.#taken.length === 0;
  }

  draw(draw: PermitDraw): PermitGrant | Promise<PermitGrant> {
    return this.#parts.connection.state.kind === "away" ? this.#drawShare(draw) : this.#drawShared(draw);
  }

  giveBack(slot: number, count: number): void {
    const taken = this.#taken.find((one) => one.slot === slot);
    if (!taken) return;
    const back = Math.min(count, taken.count);
    taken.count -= back;
    // An answer that gets lost is not asked for again: twice would be too many.
    if (taken.isShared) this.#parts.connection.run(RETURN_WINDOW, [this.#key], [slot, back]).catch(() => {});
  }

  refresh(): void {
    const nowMs = this.#parts.runtime.monotonicMs();
    if (this.#taken.some(({ endsMs }) => endsMs <= nowMs)) {
      this.#taken = this.#taken.filter(({ endsMs }) => endsMs > nowMs);
    }
  }

  async #drawShared(draw: PermitDraw): Promise<PermitGrant> {
    const { connection } = this.#parts;
    const unasked = this.#unasked();
    for (const isLast of [false, true]) {
      try {
        const grant = await this.#ask(
          draw,
          unasked.reduce((sum, { count }) => sum + count, 0),
        );
        for (const taken of unasked) taken.isShared = true;
        return grant;
      } catch {
        if (connection.state.kind === "away") return this.#drawShare(draw);
        // While the others still draw, a share of one's own would come on top of what they get.
        if (isLast) break;
      }
    }
    return { granted: 0, validForMs: 0, slot: 0, left: 0, retryInMs: RETRY_IN_MS };
  }

  async #ask(draw: PermitDraw, unasked: number): Promise<PermitGrant> {
    const { connection, runtime } = this.#parts;
    const replicas = this.#parts.replicas();
    const { slotMs, validMs } = shapeOf(draw.windowMs);
    const sentMs = runtime.monotonicMs();
    const numbers = [draw.limit, draw.windowMs, slotMs, validMs, draw.wanted, draw.least, replicas, unasked];
    const answer = await connection.run(DRAW_WINDOW, [this.#key], numbers);
    const [granted = 0, slot = 0, left = 0, retryInMs = 0] = answer.map(Number);
    // Redis drew between sending and now: from the earlier on, nothing is valid for too long.
    const validForMs = validMs - (runtime.monotonicMs() - sentMs);
    if (granted > 0) this.#note(slot, true, granted, draw.windowMs);
    if (granted === 0 || validForMs > 0) return { granted, validForMs, slot, left, retryInMs };
    this.giveBack(slot, granted);
    return { granted: 0, validForMs: 0, slot, left: left + granted, retryInMs: 1 };
  }

  /** What one replica may admit by itself, less what it has been granted in the window, by whomever. */
  #drawShare({ limit, windowMs, wanted, least }: PermitDraw): PermitGrant {
    const { runtime } = this.#parts;
    this.#parts.onFallback(this.#name);
    this.refresh();
    const { slotMs, validMs } = shapeOf(windowMs);
    const used = this.#taken.reduce((sum, { count }) => sum + count, 0);
    const room = Math.floor(limit / this.#parts.replicas()) - used;
    const granted = room >= least ? Math.min(room, wanted) : 0;
    const nowMs = runtime.monotonicMs();
    // Below zero, where no slot of Redis is.
    const slot = -1 - Math.floor(nowMs / slotMs);
    if (granted > 0) this.#note(slot, false, granted, windowMs);
    const retryInMs = granted > 0 ? 0 : Math.ceil((this.#taken[0]?.endsMs ?? nowMs + windowMs) - nowMs);
    return { granted, validForMs: validMs, slot, left: Math.max(0, room - granted), retryInMs };
  }

  #note(slot: number, isShared: boolean, count: number, windowMs: number): void {
    const { slotMs, validMs } = shapeOf(windowMs);
    const known = this.#taken.at(-1);
    if (known?.slot === slot && known.isShared === isShared) known.count += count;
    else {
      const endsMs = this.#parts.runtime.monotonicMs() + slotMs + validMs + windowMs;
      this.#taken.push({ slot, isShared, count, endsMs });
    }
  }

  /** What was admitted while Redis was away, and it has not been told of. */
  #unasked(): readonly Taken[] {
    this.refresh();
    return this.#taken.filter(({ isShared }) => !isShared);
  }
}

function shapeOf(windowMs: number): { readonly slotMs: number; readonly validMs: number } {
  return {
    slotMs: Math.max(1, Math.floor(windowMs / SLOTS_PER_WINDOW)),
    validMs: Math.min(VALID_MS.most, Math.max(VALID_MS.least, Math.ceil(windowMs * VALID_SHARE))),
  };
}
