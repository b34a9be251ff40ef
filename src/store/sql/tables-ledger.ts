/** Tables of `migrations/0001-ledger.ts`. Unknown texts are empty, money is whole nano-USD, times are wall clocks. */
export interface LedgerTables {
  ledger_events: LedgerEventRow;
  ledger_attempts: LedgerAttemptRow;
  ledger_compensations: LedgerCompensationRow;
  spend: SpendRow;
  projector: ProjectorRow;
}

/** Records of a journal as they were written, those of one batch: a row for each would cost as much as all the rest. */
export interface LedgerEventRow {
  replica: string;
  /** Place of the first of them. */
  epoch: number;
  seq: number;
  /** How many there are. */
  lines: number;
  /** The journal's lines. */
  body: string;
}

/** What an attempt keeps of an event: what, when, its place, and whose journal it stands in where that is not its own. */
export type EventEntry = readonly [kind: string, atMs: number, epoch: number, seq: number, replica?: string];

/** An attempt as now known. */
export interface LedgerAttemptRow {
  request_id: string;
  attempt: number;
  replica: string;
  state: string;
  /** How many events it has. */
  events: number;
  /** Its events, and its request's end if it was the last attempt, as `EventEntry`s in JSON. */
  records: string;
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
