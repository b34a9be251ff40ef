import { ParleyError } from "../errors/index.ts";
import type { RequestLines, UsageStore } from "../store/usage-store.ts";
import type { CompensatedRecord } from "./records.ts";

/** Better figures for an attempt that has ended. */
export interface Correction {
  readonly requestId: string;
  readonly attempt: number;
  /** Unique for the attempt: what comes twice counts once. */
  readonly compensationId: string;
  /** What the attempt did cost. */
  readonly nanoUsd: number;
  /** For people. */
  readonly reason: string;
  /** Id of the key that orders it, or the name of the provider that tells the figures. */
  readonly actor: string;
}

/** What a correction needs. */
export interface ReconcilePorts {
  readonly store: Pick<UsageStore, "request">;
  /** Resolves when everything written so far is in the tables. */
  readonly caughtUp: () => Promise<void>;
  /** Appends to the journal. */
  readonly append: (record: CompensatedRecord) => Promise<void>;
  readonly nowMs: () => number;
  /** Told what a correction has added to buckets, after it is in the books. */
  readonly onCharged?: (buckets: readonly (readonly [account: string, bucket: number])[], nanoUsd: number) => void;
}

/** A correction's outcome. */
export interface Reconciled {
  /** False: the same correction was in the books already. */
  readonly applied: boolean;
  /** The request as the books know it now. */
  readonly lines: RequestLines;
}

/**
 * Makes what corrects the books, one correction after the other: each is the difference to what the attempt counts as when
 * it is made. Rejects with `NOT_FOUND` where the books have no such attempt, with `CONFLICT` while it has not ended.
 */
export function createReconciler(ports: ReconcilePorts): (correction: Correction) => Promise<Reconciled> {
  let last: Promise<unknown> = Promise.resolve();
  return (correction) => {
    const made = last.then(() => reconcile(ports, correction));
    last = made.catch(() => {});
    return made;
  };
}

async function reconcile(ports: ReconcilePorts, correction: Correction): Promise<Reconciled> {
  const { requestId, attempt, compensationId, nanoUsd, reason, actor } = correction;
  await ports.caughtUp();
  const lines = await ports.store.request(requestId);
  const row = lines.attempts.find((one) => one.attempt === attempt);
  if (!row) {
    const message = "Cannot correct the attempt: the books have no attempt of this number and request";
    throw new ParleyError("NOT_FOUND", message, { field: "request_id" });
  }
  const isKnown = lines.compensations.some((one) => one.attempt === attempt && one.compensation_id === compensationId);
  if (isKnown) return { applied: false, lines };
  if (row.ended_at_ms === null) {
    throw new ParleyError("CONFLICT", `Cannot correct the attempt: it is ${row.state} and has not ended yet`);
  }
  const deltaNanoUsd = nanoUsd - row.charged_nano_usd;
  await ports.append({
    kind: "compensated",
    requestId,
    attempt,
    compensationId,
    atMs: ports.nowMs(),
    deltaNanoUsd,
    reason,
    actor,
  });
  await ports.caughtUp();
  ports.onCharged?.(JSON.parse(row.buckets) as [string, number][], deltaNanoUsd);
  return { applied: true, lines: await ports.store.request(requestId) };
}
