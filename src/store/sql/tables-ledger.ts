/** Tables of `migrations/0001-ledger.ts`. Unknown texts are empty, money is whole nano-USD, times are wall clocks. */
export interface LedgerTables {
  ledger_events: LedgerEventRow;
  ledger_attempts: LedgerAttemptRow;
  ledger_compensations: LedgerCompensationRow;
  spend: SpendRow;
  projector: ProjectorRow;
}

/** A record of a journal as it was written. Never changed. */
export interface LedgerEventRow {
  replica: string;
  epoch: number;
  seq: number;
  request_id: string;
  /** 0: the record is about the request. */
  attempt: number;
  /** From 1 within its attempt, or its request. */
  number: number;
  kind: string;
  at_ms: number;
  /** The journal's line. */
  body: string;
}

/** An attempt as now known. */
export interface LedgerAttemptRow {
  request_id: string;
  attempt: number;
  replica: string;
  state: string;
  /** How many events it has. */
  events: number;
  received_at_ms: number;
  forwarded_at_ms: number;
  checkpoint_at_ms: number | null;
  ended_at_ms: number | null;
  key_id: string;
  organisation: string;
  project: string;
  surface: string;
  requested_model: string;
  provider: string;
  model: string;
  credential_id: string;
  stream: number;
  price_version: string;
  /** Object of names and values, in JSON. */
  tags: string;
  held_nano_usd: number | null;
  /** Pairs of account and bucket, in JSON. */
  buckets: string;
  reason: string;
  http_status: number | null;
  upstream_request_id: string;
  first_content_ms: number | null;
  /** All input and all output, whatever their kind. */
  input_tokens: number;
  output_tokens: number;
  /** As the journal keeps it, in JSON. */
  usage: string;
  /** Null: no price is known, or it has not ended. */
  cost_nano_usd: number | null;
  estimated: number;
  /** What it counts as: its cost, or its hold where that is unknown, and its compensations. 0 until it has ended. */
  charged_nano_usd: number;
  compensated_nano_usd: number;
}

/** A correction of what an attempt counts as. */
export interface LedgerCompensationRow {
  request_id: string;
  attempt: number;
  compensation_id: string;
  delta_nano_usd: number;
  reason: string;
  actor: string;
  at_ms: number;
}

/** What attempts have been charged to a bucket. */
export interface SpendRow {
  account: string;
  bucket: number;
  nano_usd: number;
}

/** How far a replica's journal has been taken in, and where the next line stands. */
export interface ProjectorRow {
  replica: string;
  epoch: number;
  seq: number;
  segment: number;
  offset_bytes: number;
}
