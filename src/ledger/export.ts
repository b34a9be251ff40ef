import type { LedgerAttemptRow } from "../store/sql/tables-ledger.ts";

/** Formats of an export. */
export type ExportFormat = "csv" | "ndjson";

/** One column: its name in both formats, and its value in an attempt's row. */
type Column = readonly [name: string, value: (row: LedgerAttemptRow) => string | number | boolean | null];

const COLUMNS: readonly Column[] = [
  ["request_id", (row) => row.request_id],
  ["attempt", (row) => row.attempt],
  ["forwarded_at", (row) => timeText(row.forwarded_at_ms)],
  ["ended_at", (row) => (row.ended_at_ms === null ? null : timeText(row.ended_at_ms))],
  ["state", (row) => row.state],
  ["reason", (row) => row.reason],
  ["organisation", (row) => row.organisation],
  ["project", (row) => row.project],
  ["key_id", (row) => row.key_id],
  ["surface", (row) => row.surface],
  ["requested_model", (row) => row.requested_model],
  ["provider", (row) => row.provider],
  ["model", (row) => row.model],
  ["stream", (row) => row.stream === 1],
  ["http_status", (row) => row.http_status],
  ["upstream_request_id", (row) => row.upstream_request_id],
  ["first_content_ms", (row) => row.first_content_ms],
  ["input_tokens", (row) => row.input_tokens],
  ["output_tokens", (row) => row.output_tokens],
  // Texts, since many readers of JSON round numbers of this size.
  ["nano_usd", (row) => String(row.charged_nano_usd)],
  ["cost_nano_usd", (row) => (row.cost_nano_usd === null ? null : String(row.cost_nano_usd))],
  ["compensated_nano_usd", (row) => String(row.compensated_nano_usd)],
  ["estimated", (row) => row.estimated === 1],
  ["price_version", (row) => row.price_version],
  ["tags", (row) => row.tags],
];

/** What a file begins with. */
export function exportHead(format: ExportFormat): string {
  return format === "csv" ? `${COLUMNS.map(([name]) => name).join(",")}\r\n` : "";
}

/** The line of an attempt. */
export function exportLine(format: ExportFormat, row: LedgerAttemptRow): string {
  if (format === "csv") return `${COLUMNS.map(([, value]) => csvCell(value(row))).join(",")}\r\n`;
  const entries = COLUMNS.map(([name, value]) => [name, value(row)] as const);
  return `${JSON.stringify({ ...Object.fromEntries(entries), tags: JSON.parse(row.tags) as unknown })}\n`;
}

// Spreadsheets run a text that begins like a formula (https://owasp.org/www-community/attacks/CSV_Injection): names and
// tags are the callers' own. A number that is below 0 is none.
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^-?\d+$/;

function csvCell(value: string | number | boolean | null): string {
  if (value === null) return "";
  const text = String(value);
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
