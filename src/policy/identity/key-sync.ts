import type { Runtime, Timer } from "../../runtime/runtime.ts";
import type { ChangeFeed } from "../../store/change-feed.ts";
import type { KeyStore } from "../../store/key-store.ts";
import type { MadeKeys } from "./made-keys.ts";

/** Between two looks for changes that other replicas have made: half of what a revocation may take. */
const POLL_MS = 500;
/** Between two times that uses are written. */
const USES_MS = 60_000;

/** What keeps keys as the database has them. */
export interface KeySyncOptions {
  readonly keys: MadeKeys;
  readonly store: KeyStore;
  /** Undefined: nobody else changes keys, or none tells of it. */
  readonly feed: ChangeFeed | undefined;
  readonly runtime: Runtime;
  /** Called when the database cannot be asked, and when it can be again. The keys that are known stay in force. */
  readonly onReachable: (reachable: boolean) => void;
}

/** Keeps the keys in memory as the database has them: at once where the feed tells, else by polling. */
export class KeySync {
  readonly #options: KeySyncOptions;
  readonly #stopListening: (() => void) | undefined;
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #reachable = true;
  // Not the newest revision of the keys: one's own change may be known before an earlier one of somebody else.
  #seenRevision = 0;
  #closed = false;
  #usesDueMs: number;

  private constructor(options: KeySyncOptions) {
    this.#options = options;
    this.#usesDueMs = options.runtime.monotonicMs() + USES_MS;
    this.#stopListening = options.feed?.onChange("keys", () => void this.look());
  }

  /** Loads all keys, and keeps them fresh from then on. Rejects where they cannot be loaded. */
  static async start(options: KeySyncOptions): Promise<KeySync> {
    const sync = new KeySync(options);
    try {
      await sync.#readChanges(options);
    } catch (thrown) {
      sync.#stopListening?.();
      throw thrown;
    }
    sync.#schedule();
    return sync;
  }

  /** Looks for changes now; resolves when those made before the call are in force. Never rejects. */
  look(): Promise<void> {
    // A look under way may have asked before the change was made.
    if (this.#looking) this.#lookAgain = true;
    this.#looking ??= this.#lookUntilCurrent().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Stops looking, and writes what is not written. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#stopListening?.();
    await this.#looking;
    await this.#writeUses();
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = this.#options.runtime.setTimer(POLL_MS, () => {
      void this.look().then(async () => {
        this.#schedule();
        if (this.#options.runtime.monotonicMs() >= this.#usesDueMs) await this.#writeUses();
      });
    });
  }

  async #lookUntilCurrent(): Promise<void> {
    do {
      this.#lookAgain = false;
      await this.#attempt((options) => this.#readChanges(options));
    } while (this.#lookAgain && !this.#closed);
  }

  async #readChanges({ keys, store }: KeySyncOptions): Promise<void> {
    const rows = await store.changedSince(this.#seenRevision);
    keys.take(rows);
    this.#seenRevision = rows.at(-1)?.revision ?? this.#seenRevision;
  }

  async #writeUses(): Promise<void> {
    const { keys, store, runtime } = this.#options;
    this.#usesDueMs = runtime.monotonicMs() + USES_MS;
    const uses = keys.takeUses();
    if (uses.size > 0) await this.#attempt(() => store.used(uses));
  }

  async #attempt(act: (options: KeySyncOptions) => Promise<void>): Promise<void> {
    let reachable = true;
    try {
      await act(this.#options);
    } catch {
      reachable = false;
    }
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    this.#options.onReachable(reachable);
  }
}
