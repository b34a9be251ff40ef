import { ParleyError } from "../errors/index.ts";
import { crashPoint } from "../runtime/crash-point.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import type { LedgerStore } from "../store/ledger-store.ts";
import type { WrittenGroup, WrittenUpTo } from "./journal-options.ts";
import { Projection, requestIdsOf } from "./projection.ts";
import { pruneSegments } from "./prune.ts";
import { JournalTail, type TailBatch } from "./tail.ts";

/** What the projector needs of time. */
export type ProjectorRuntime = Pick<Runtime, "monotonicMs" | "setTimer" | "afterTurn">;

/** Something about the projection that an operator should see. */
export interface ProjectorIncident {
  readonly kind: "projection_failed" | "projection_recovered" | "broken_lines" | "prune_failed";
  readonly message: string;
}

/** How a journal is projected. */
export interface ProjectorOptions {
  readonly folder: string;
  /** Id of the replica whose journal it is. */
  readonly replica: string;
  readonly store: LedgerStore;
  /** How far the journal is safe. */
  readonly written: () => WrittenUpTo;
  readonly runtime: ProjectorRuntime;
  readonly onIncident: (incident: ProjectorIncident) => void;
  /** Most records in one transaction. */
  readonly batchRecords?: number;
}

// Rows are made in one turn of the event loop, for which every request waits: a millisecond or two.
const BATCH_RECORDS = 768;
/** How long records are gathered before they are projected: a batch costs less per record the larger it is. */
const GATHER_MS = 500;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

/**
 * Follows the journal into the tables, off the path of requests: a batch is one transaction that also notes how far it has
 * come, so that a kill at any moment loses nothing and doubles nothing. While the database is away the journal keeps the
 * books; they are shipped when it is back.
 */
export class Projector {
  readonly #options: ProjectorOptions;
  readonly #tail: JournalTail;
  /** A batch that was read and could not be taken in yet. */
  #pending: TailBatch | undefined;
  #timer: Timer | undefined;
  #pass: Promise<void> | undefined;
  #retryMs = FIRST_RETRY_MS;
  #failure: ParleyError | undefined;
  #closed = false;
  /** When something was written that is not projected yet. */
  #behindSinceMs: number | undefined;
  #brokenLines = 0;
  #prunedBefore = 0;
  /** Records taken in since the start. */
  projected = 0;

  private constructor(options: ProjectorOptions, tail: JournalTail) {
    this.#options = options;
    this.#tail = tail;
  }

  /** Finds where an earlier process left off. Rejects where the database or the journal cannot be read. */
  static async open(options: ProjectorOptions): Promise<Projector> {
    const position = await options.store.position(options.replica);
    return new Projector(options, new JournalTail(options.folder, position));
  }

  /** Something was written. Cheap. */
  take(group: WrittenGroup): void {
    this.#tail.offer(group);
    this.#behindSinceMs ??= this.#options.runtime.monotonicMs();
    if (!this.#pass && !this.#timer && !this.#closed) this.#passLater(GATHER_MS);
  }

  /** For how long the oldest record that is not projected has waited, in milliseconds; 0 when there is none. */
  get lagMs(): number {
    return this.#behindSinceMs === undefined ? 0 : this.#options.runtime.monotonicMs() - this.#behindSinceMs;
  }

  /** Whether the last try failed. */
  get isFailing(): boolean {
    return this.#failure !== undefined;
  }

  /** Resolves when everything written so far is projected. Rejects with a `ParleyError` where that cannot be done now. */
  async caughtUp(): Promise<void> {
    // A pass that is under way may have begun before the last record.
    await this.#pass?.catch(() => {});
    if (this.#closed)
      throw new ParleyError("DRAINING", "Cannot read the ledger's tables: the gateway is shutting down");
    this.#timer?.cancel();
    this.#timer = undefined;
    await (this.#pass ?? this.#begin());
  }

  /** Projects what is left, if the database takes it, and ends. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (!this.#failure) await this.caughtUp().catch(() => {});
    this.#closed = true;
    this.#timer?.cancel();
    await this.#pass?.catch(() => {});
    this.#tail.close();
  }

  #passLater(delayMs: number): void {
    this.#timer = this.#options.runtime.setTimer(delayMs, () => {
      this.#timer = undefined;
      if (!this.#closed) this.#begin().catch(() => {});
    });
  }

  #begin(): Promise<void> {
    const pass = this.#run().finally(() => {
      this.#pass = undefined;
      if (this.#closed || this.#timer) return;
      if (this.#failure) this.#passLater(this.#retryMs);
      else if (this.#behindSinceMs !== undefined) this.#passLater(GATHER_MS);
    });
    this.#pass = pass;
    return pass;
  }

  async #run(): Promise<void> {
    const { runtime, written } = this.#options;
    const upTo = written();
    const beganMs = runtime.monotonicMs();
    const wasBehind = this.#behindSinceMs;
    try {
      while (!(await this.#takeBatch(upTo))) await new Promise<void>((resolve) => runtime.afterTurn(resolve));
      await this.#prune();
      this.#recovered();
      const now = written();
      const isBehind = now.epoch !== upTo.epoch || now.seq !== upTo.seq;
      this.#behindSinceMs = isBehind ? Math.max(beganMs, wasBehind ?? beganMs) : undefined;
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  /** Takes the next batch in; true: it was the last. */
  async #takeBatch(upTo: WrittenUpTo): Promise<boolean> {
    const { replica, store, batchRecords = BATCH_RECORDS } = this.#options;
    // What an earlier pass has read says nothing of what was written since.
    const isOld = this.#pending !== undefined;
    const batch = (this.#pending ??= this.#tail.read(batchRecords, upTo));
    if (batch.records.length > 0) {
      await store.update(replica, requestIdsOf(batch.records), (known) => {
        const projection = new Projection(replica, known);
        for (const record of batch.records) projection.add(record);
        return projection.changes({ replica, ...batch.next });
      });
      crashPoint("projection_committed");
      this.projected += batch.records.length;
    }
    this.#pending = undefined;
    this.#tellBroken();
    return batch.isLast && !isOld;
  }

  #tellBroken(): void {
    const { brokenLines } = this.#tail;
    if (brokenLines === this.#brokenLines) return;
    this.#brokenLines = brokenLines;
    const message = `The ledger's journal has lines that cannot be read: ${brokenLines} since the start`;
    this.#options.onIncident({ kind: "broken_lines", message });
  }

  async #prune(): Promise<void> {
    const { folder, store, written } = this.#options;
    const { segment } = written();
    if (segment === this.#prunedBefore) return;
    try {
      await pruneSegments(folder, Math.min(segment, this.#tail.segment), store);
      this.#prunedBefore = segment;
    } catch (thrown) {
      const { code = "unknown error" } = thrown as NodeJS.ErrnoException;
      const message = `Cannot delete what is projected of the ledger's journal: ${code}`;
      this.#options.onIncident({ kind: "prune_failed", message });
    }
  }

  #failed(thrown: unknown): ParleyError {
    const error =
      thrown instanceof ParleyError
        ? thrown
        : new ParleyError("GATEWAY_INTERNAL", "Cannot project the ledger: its journal cannot be read", {
            cause: thrown,
          });
    if (this.#failure) this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    else {
      const message = `${error.message}; the journal keeps the books until it can be done`;
      this.#options.onIncident({ kind: "projection_failed", message });
    }
    this.#failure = error;
    return error;
  }

  #recovered(): void {
    if (!this.#failure) return;
    this.#failure = undefined;
    this.#retryMs = FIRST_RETRY_MS;
    this.#options.onIncident({ kind: "projection_recovered", message: "The ledger is projected again" });
  }
}
