import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { UsageLineSchema, type UsageLine, type UsageTotalsSchema } from "../contract/admin.ts";
import { usageFromText } from "../ledger/figures.ts";
import type { LedgerAttemptRow } from "../store/sql/tables-ledger.ts";
import type { RequestLines, UsageSums } from "../store/usage-store.ts";

/** Sums as the contract has them. */
export function totalsMessage(sums: UsageSums): MessageInitShape<typeof UsageTotalsSchema> {
  return {
    attempts: sums.attempts,
    failedAttempts: sums.failed,
    openAttempts: sums.open,
    estimatedAttempts: sums.estimated,
    unpricedAttempts: sums.unpriced,
    inputTokens: sums.inputTokens,
    outputTokens: sums.outputTokens,
    nanoUsd: sums.nanoUsd,
    compensatedNanoUsd: sums.compensatedNanoUsd,
  };
}

/** A request's attempts as the contract has them. */
export function lineMessages({ attempts, events, compensations }: RequestLines, isAdmin: boolean): UsageLine[] {
  return attempts.map((row) =>
    create(UsageLineSchema, {
      ...factsOf(row, isAdmin),
      events: events
        .filter(({ attempt }) => attempt === row.attempt)
        .map(({ number, kind, at_ms, replica }) => ({ number, kind, at: timestampFromMs(at_ms), replica })),
      compensations: compensations
        .filter(({ attempt }) => attempt === row.attempt)
        .map((one) => ({
          compensationId: one.compensation_id,
          deltaNanoUsd: BigInt(one.delta_nano_usd),
          reason: one.reason,
          actor: one.actor,
          at: timestampFromMs(one.at_ms),
        })),
    }),
  );
}

function factsOf(row: LedgerAttemptRow, isAdmin: boolean) {
  return {
    requestId: row.request_id,
    attempt: row.attempt,
    state: row.state,
    reason: row.reason,
    receivedAt: timestampFromMs(row.received_at_ms),
    forwardedAt: timestampFromMs(row.forwarded_at_ms),
    ...(row.ended_at_ms === null ? {} : { endedAt: timestampFromMs(row.ended_at_ms) }),
    keyId: row.key_id,
    organisation: row.organisation,
    project: row.project,
    surface: row.surface,
    requestedModel: row.requested_model,
    provider: row.provider,
    model: row.model,
    credentialId: isAdmin ? row.credential_id : "",
    stream: row.stream === 1,
    tags: JSON.parse(row.tags) as Record<string, string>,
    ...(row.http_status === null ? {} : { httpStatus: row.http_status }),
    upstreamRequestId: row.upstream_request_id,
    ...(row.first_content_ms === null ? {} : { firstContentMs: row.first_content_ms }),
    ...(row.usage === "" ? {} : { usage: usageFromText(row.usage) }),
    ...(row.held_nano_usd === null ? {} : { heldNanoUsd: BigInt(row.held_nano_usd) }),
    ...(row.cost_nano_usd === null ? {} : { costNanoUsd: BigInt(row.cost_nano_usd) }),
    nanoUsd: BigInt(row.charged_nano_usd),
    estimated: row.estimated === 1,
    priceVersion: row.price_version,
  };
}
