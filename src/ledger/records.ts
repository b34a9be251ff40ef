import type { Cost, Usage } from "../contract/index.ts";

/**
 * What the books know of one attempt. States of an attempt: forwarded -> partially_streamed* -> completed | failed. States
 * of a request: received -> admitted -> completed | failed. `forwarded` carries received and admitted, so that a request
 * costs two or three records. `compensated` changes no state.
 */
export type LedgerRecord =
  | ForwardedRecord
  | CheckpointRecord
  | AttemptEndedRecord
  | RequestEndedRecord
  | CompensatedRecord;

/** Written before the first byte goes to a provider. */
export interface ForwardedRecord {
  readonly kind: "forwarded";
  readonly requestId: string;
  /** From 1. */
  readonly attempt: number;
  /** Wall clocks in milliseconds. */
  readonly receivedAtMs: number;
  readonly forwardedAtMs: number;
  readonly keyId: string;
  readonly surface: string;
  readonly requestedModel: string;
  readonly provider: string;
  readonly model: string;
  readonly credentialId: string;
  readonly stream: boolean;
  /** Upper bound of the input, from which an orphan is estimated. */
  readonly inputTokensUpperBound: number;
  readonly priceVersion: string | undefined;
  /** Whom the key belongs to. */
  readonly organisation: string | undefined;
  readonly project: string | undefined;
  /** What is held for the attempt, and the buckets of budgets that it is charged to; undefined: no budget concerns it. */
  readonly hold: HoldRecord | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** A call of the gateway's own, a copy of a request or a probe: it is charged to no key. Unset: it is a caller's. */
  readonly shadow?: true;
}

/** Money set aside for an attempt, in nano-USD, in each of the buckets; settled by what the attempt's end costs. */
export interface HoldRecord {
  readonly nanoUsd: number;
  readonly buckets: readonly { readonly account: string; readonly bucket: number }[];
}

/** How far a streamed answer has come. A crash closes the attempt from the last of these. */
export interface CheckpointRecord {
  readonly kind: "partially_streamed";
  readonly requestId: string;
  readonly attempt: number;
  readonly atMs: number;
  /** What it has used so far, estimated where the provider has told nothing yet. */
  readonly usage: Usage;
  readonly cost: Cost | undefined;
}

/** The one end of an attempt. */
export interface AttemptEndedRecord {
  readonly kind: "attempt_ended";
  readonly requestId: string;
  readonly attempt: number;
  readonly state: "completed" | "failed";
  readonly endedAtMs: number;
  /** Reason in snake_case; undefined when completed. */
  readonly reason: string | undefined;
  readonly httpStatus: number | undefined;
  readonly upstreamRequestId: string | undefined;
  readonly firstContentMs: number | undefined;
  readonly usage: Usage | undefined;
  readonly cost: Cost | undefined;
}

/** The one end of a request. */
export interface RequestEndedRecord {
  readonly kind: "request_ended";
  readonly requestId: string;
  readonly state: "completed" | "failed";
  readonly endedAtMs: number;
  readonly reason: string | undefined;
  readonly attempts: number;
}

/** A correction of what an attempt that has ended counts as, by better figures. Its outcome stays. */
export interface CompensatedRecord {
  readonly kind: "compensated";
  readonly requestId: string;
  readonly attempt: number;
  /** Unique for the attempt: what comes twice counts once. */
  readonly compensationId: string;
  readonly atMs: number;
  /** What is added to what the attempt counts as; below 0 where it counted as too much. */
  readonly deltaNanoUsd: number;
  /** For people. */
  readonly reason: string;
  /** Id of the key that ordered it, or the name of the provider that told better figures. */
  readonly actor: string;
}

/** The books. */
export interface Ledger {
  /** Resolves when the record is safe for what `durability` promises. Rejects when it cannot be written: do not forward. */
  forwarded(record: ForwardedRecord): Promise<void>;
  /** Queues a checkpoint. It is left out where the disk refuses it. */
  streamed(record: CheckpointRecord): void;
  /** Queues an end; it is written within the same turn of the event loop. */
  ended(record: AttemptEndedRecord | RequestEndedRecord): void;
  /** Writes what is queued and closes the file. */
  close(): Promise<void>;
}
