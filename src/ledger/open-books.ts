import type { PriceList } from "../catalog/facts.ts";
import type { Log } from "../observe/log.ts";
import type { LedgerStore } from "../store/ledger-store.ts";
import type { Journal } from "./journal.ts";
import { costOf } from "./pricing.ts";
import { Projector, type ProjectorOptions, type ProjectorRuntime } from "./projector.ts";
import { openLedger, type OpenLedgerOptions } from "./recovery.ts";

/** What the books need of the gateway around them. */
export interface BooksOptions
  extends
    Pick<OpenLedgerOptions, "folder" | "durability" | "claimEpoch" | "segmentBytes">,
    Pick<ProjectorOptions, "batchRecords"> {
  readonly runtime: OpenLedgerOptions["runtime"] & ProjectorRuntime;
  readonly log: Log;
  /** Id of this replica, which a restart on its folder keeps. */
  readonly replica: string;
  /** Where the journal is projected to. */
  readonly store: LedgerStore;
  /** Prices of a model as of now, for what a crash left open. */
  readonly pricesOf: (provider: string, model: string) => PriceList | undefined;
}

/** The journal and its projection. */
export interface Books {
  readonly ledger: Journal;
  readonly projector: Projector;
  /** What lines have charged to buckets, those included that were written a moment ago: policy's `SpendSource`. */
  readonly spend: Pick<LedgerStore, "spent">;
  /** The same of this replica's own lines: what its leases come down to. */
  readonly ownSpend: Pick<LedgerStore, "spent">;
  /** Writes what is queued, projects it if that can be done now, and ends. */
  close(): Promise<void>;
}

/**
 * Opens the ledger, closes what a crash left open, tells of it, and projects everything, so that budgets begin exact.
 * Throws `MISCONFIGURED`, or what the database says.
 */
export async function openBooks({ log, pricesOf, replica, store, ...options }: BooksOptions): Promise<Books> {
  const onIncident = ({ kind, message }: { kind: string; message: string }): void =>
    log.error(message, { incident: kind });
  // Not every folder remembers its epochs: one that was brought back from a copy does not.
  const known = await store.position(replica);
  let projector: Projector | undefined;
  const { ledger, report } = await openLedger({
    ...options,
    claimEpoch: (above) => options.claimEpoch(Math.max(above, known?.epoch ?? 0)),
    costOf: (attempt, usage) => costOf(usage, pricesOf(attempt.provider, attempt.model), undefined),
    onIncident,
    onWritten: (group) => projector?.take(group),
  });
  const { attemptsClosed, requestsClosed, damage, illegalRecords } = report;
  if (attemptsClosed + requestsClosed + damage.length + illegalRecords > 0) {
    log.warn("the ledger was not closed properly: what was open has been closed, estimated", {
      attempts_closed: attemptsClosed,
      requests_closed: requestsClosed,
      damage: damage.length,
      illegal_records: illegalRecords,
    });
  }
  const close = async (): Promise<void> => {
    try {
      await ledger.close();
    } finally {
      await projector?.close();
    }
  };
  try {
    const opened = await Projector.open({ ...options, replica, store, written: () => ledger.written, onIncident });
    projector = opened;
    await opened.caughtUp();
    const spent: LedgerStore["spent"] = async (account, buckets) => {
      await opened.caughtUp();
      return await store.spent(account, buckets);
    };
    const spentHere: LedgerStore["spent"] = async (account, buckets) => {
      await opened.caughtUp();
      return await store.spentBy(replica, account, buckets);
    };
    return { ledger, projector: opened, spend: { spent }, ownSpend: { spent: spentHere }, close };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}
