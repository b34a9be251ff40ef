import type { LedgerAttemptRow, LedgerCompensationRow } from "./sql/tables-ledger.ts";

/** Which attempts are meant; empty lists mean all. */
export interface UsageFilter {
  /** Wall clocks in milliseconds: from the first on, before the second. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly organisations: readonly string[];
  readonly projects: readonly string[];
  readonly keyIds: readonly string[];
  readonly providers: readonly string[];
  /** As `provider/model`. */
  readonly models: readonly string[];
  /** All of them. */
  readonly tags: Readonly<Record<string, string>>;
}

/** What sums can be grouped by; `day` and `hour` count from 1970 in UTC. */
export type UsageDimension =
  | "organisation"
  | "project"
  | "key"
  | "provider"
  | "model"
  | "requested_model"
  | "day"
  | "hour"
  | { readonly tag: string };

/** Sums over attempts, exact however large. */
export interface UsageSums {
  readonly attempts: bigint;
  readonly failed: bigint;
  readonly open: bigint;
  readonly estimated: bigint;
  readonly unpriced: bigint;
  readonly inputTokens: bigint;
  readonly outputTokens: bigint;
  readonly nanoUsd: bigint;
  readonly compensatedNanoUsd: bigint;
}

/** One group of attempts. */
export interface UsageGroup {
  /** In the order of the dimensions. */
  readonly values: readonly string[];
  readonly sums: UsageSums;
}

/** Where a list of lines goes on: behind this attempt. */
export type LinePlace = Pick<LedgerAttemptRow, "forwarded_at_ms" | "request_id" | "attempt">;

/** A record of a request. */
export interface RequestEvent {
  readonly replica: string;
  readonly epoch: number;
  readonly seq: number;
  readonly request_id: string;
  /** 0: it is about the request. */
  readonly attempt: number;
  /** From 1 within its attempt, or its request. */
  readonly number: number;
  readonly kind: string;
  readonly at_ms: number;
}

/** What is known of one request. */
export interface RequestLines {
  readonly attempts: readonly LedgerAttemptRow[];
  readonly events: readonly RequestEvent[];
  readonly compensations: readonly LedgerCompensationRow[];
}

/** Questions about what the ledger has projected. Rejects with a `ParleyError` while the database is away. */
export interface UsageStore {
  /** Sums in groups, in the order of their values, behind `after`; without dimensions one group of everything. */
  groups(
    filter: UsageFilter,
    dimensions: readonly UsageDimension[],
    page: { readonly after: readonly string[] | undefined; readonly limit: number },
  ): Promise<UsageGroup[]>;
  /** Attempts, oldest first, behind `after`. */
  lines(filter: UsageFilter, after: LinePlace | undefined, limit: number): Promise<LedgerAttemptRow[]>;
  /** A request's attempts in order, with their records and corrections. */
  request(requestId: string): Promise<RequestLines>;
}
