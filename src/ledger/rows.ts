import type { Cost, Usage } from "../contract/index.ts";
import type { LedgerAttemptRow } from "../store/sql/tables-ledger.ts";
import { wholeNanoUsd } from "./charge.ts";
import { usageToJson } from "./figures.ts";
import type { ForwardedRecord } from "./records.ts";

/** The state of what is known by a later record only: its line was lost, or another replica has not shipped it yet. */
const UNKNOWN = "unknown";

/** What a forward says of its attempt. */
export function fillAttempt(row: LedgerAttemptRow, record: ForwardedRecord): void {
  row.received_at_ms = record.receivedAtMs;
  row.forwarded_at_ms = record.forwardedAtMs;
  row.key_id = record.keyId;
  row.organisation = record.organisation ?? "";
  row.project = record.project ?? "";
  row.surface = record.surface;
  row.requested_model = record.requestedModel;
  row.provider = record.provider;
  row.model = record.model;
  row.credential_id = record.credentialId;
  row.stream = record.stream ? 1 : 0;
  row.price_version = record.priceVersion ?? "";
  row.tags = JSON.stringify(record.tags);
  row.held_nano_usd = record.hold?.nanoUsd ?? null;
  row.buckets = JSON.stringify(record.hold?.buckets.map(({ account, bucket }) => [account, bucket]) ?? []);
}

/** What an attempt has used and what that costs, as far as known. */
export function fillFigures(row: LedgerAttemptRow, usage: Usage | undefined, cost: Cost | undefined): void {
  if (usage) {
    const written = usage.cacheWrites.reduce((sum, one) => sum + one.tokens, 0);
    const { inputTokens = 0, cacheReadTokens = 0, toolPromptTokens = 0, outputTokens = 0, reasoningTokens = 0 } = usage;
    row.input_tokens = inputTokens + cacheReadTokens + toolPromptTokens + written;
    row.output_tokens = outputTokens + reasoningTokens;
    row.usage = JSON.stringify(usageToJson(usage));
  }
  row.cost_nano_usd = cost?.nanoUsd === undefined ? null : wholeNanoUsd(cost.nanoUsd);
  if (cost?.priceVersion !== undefined) row.price_version = cost.priceVersion;
}

/** An attempt of which nothing is known yet. */
export function unknownAttempt(requestId: string, attempt: number, replica: string): LedgerAttemptRow {
  return {
    request_id: requestId,
    attempt,
    replica,
    state: UNKNOWN,
    events: 0,
    records: "[]",
    received_at_ms: 0,
    forwarded_at_ms: 0,
    checkpoint_at_ms: null,
    ended_at_ms: null,
    key_id: "",
    organisation: "",
    project: "",
    surface: "",
    requested_model: "",
    provider: "",
    model: "",
    credential_id: "",
    stream: 0,
    price_version: "",
    tags: "{}",
    held_nano_usd: null,
    buckets: "[]",
    reason: "",
    http_status: null,
    upstream_request_id: "",
    first_content_ms: null,
    input_tokens: 0,
    output_tokens: 0,
    usage: "",
    cost_nano_usd: null,
    estimated: 0,
    charged_nano_usd: 0,
    compensated_nano_usd: 0,
  };
}
