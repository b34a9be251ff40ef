import type { PriceList } from "../catalog/facts.ts";
import type { Log } from "../observe/log.ts";
import { costOf } from "./pricing.ts";
import type { Ledger } from "./records.ts";
import { openLedger, type OpenLedgerOptions } from "./recovery.ts";

/** What the books need of the gateway around them. */
export interface BooksOptions extends Pick<OpenLedgerOptions, "folder" | "durability" | "runtime" | "claimEpoch"> {
  readonly log: Log;
  /** Prices of a model as of now, for what a crash left open. */
  readonly pricesOf: (provider: string, model: string) => PriceList | undefined;
}

/** Opens the ledger, closes what a crash left open, and tells of it. Throws `MISCONFIGURED`. */
export async function openBooks({ log, pricesOf, ...options }: BooksOptions): Promise<Ledger> {
  const { ledger, report } = await openLedger({
    ...options,
    costOf: (attempt, usage) => costOf(usage, pricesOf(attempt.provider, attempt.model), undefined),
    onIncident: ({ kind, message }) => log.error(message, { incident: kind }),
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
  return ledger;
}
