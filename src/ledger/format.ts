import { crc32 } from "node:zlib";
import { ParleyError } from "../errors/index.ts";
import { costFromJson, costToJson, usageFromJson, usageToJson, type CostJson, type UsageJson } from "./figures.ts";
import type { AttemptEndedRecord, ForwardedRecord, LedgerRecord, RequestEndedRecord } from "./records.ts";

/** Version of the journal's lines. A higher one on disk is refused: it was written by a newer Parley. */
const FORMAT_VERSION = 1;

/** Where a record stands: the process that wrote it, and its number in that process from 1 without gaps. */
export interface Position {
  readonly epoch: number;
  readonly seq: number;
}

/** First line of a segment. */
export interface SegmentHead {
  readonly kind: "segment";
  /** Number of the segment, from 1. */
  readonly segment: number;
  /** How many copied lines of open requests follow. */
  readonly carried: number;
  /** Wall clock in milliseconds. */
  readonly madeAtMs: number;
}

/** One valid line. The position of a segment's head is that of the last record before it. */
export type DecodedLine = Position & { readonly content: LedgerRecord | SegmentHead };

const CRC_PREFIX = ',"crc":"';
const CRC_LENGTH = CRC_PREFIX.length + 8 + '"}'.length;

/** The line of a record or head: one JSON object whose last member is the CRC-32 of what precedes it, and a line feed. */
export function encodeLine({ epoch, seq }: Position, content: LedgerRecord | SegmentHead): string {
  const body = JSON.stringify(toJson(epoch, seq, content)).slice(0, -1);
  return `${body}${CRC_PREFIX}${crc32(body).toString(16).padStart(8, "0")}"}\n`;
}

/**
 * Reads one line without its line feed; undefined when it is torn or damaged. Throws `MISCONFIGURED` for a whole line of
 * a newer version: what cannot be understood must not be closed as if it were.
 */
export function decodeLine(line: Buffer): DecodedLine | undefined {
  if (line.length <= CRC_LENGTH) return undefined;
  const body = line.subarray(0, line.length - CRC_LENGTH);
  const expected = `${CRC_PREFIX}${crc32(body).toString(16).padStart(8, "0")}"}`;
  if (line.toString("latin1", body.length) !== expected) return undefined;
  const json = JSON.parse(`${body.toString("utf8")}}`) as LineJson;
  if (json.v > FORMAT_VERSION) {
    throw new ParleyError(
      "MISCONFIGURED",
      `Cannot read the ledger: version ${json.v} of its lines is newer than ${FORMAT_VERSION}; start the Parley that wrote it`,
    );
  }
  return { epoch: json.epoch, seq: json.seq, content: fromJson(json) };
}

interface ForwardedJson {
  readonly kind: "forwarded";
  readonly request: string;
  readonly attempt: number;
  readonly received_ms: number;
  readonly forwarded_ms: number;
  readonly key: string;
  readonly surface: string;
  readonly asked: string;
  readonly provider: string;
  readonly model: string;
  readonly credential: string;
  readonly stream: boolean;
  readonly input_bound: number;
  readonly prices?: string | undefined;
  readonly org?: string | undefined;
  readonly project?: string | undefined;
  /** Nano-USD. */
  readonly held?: number | undefined;
  /** Pairs of account and bucket. */
  readonly buckets?: readonly (readonly [string, number])[] | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly shadow?: true | undefined;
}

interface AttemptEndedJson {
  readonly kind: "attempt_ended";
  readonly request: string;
  readonly attempt: number;
  readonly state: "completed" | "failed";
  readonly ended_ms: number;
  readonly reason?: string | undefined;
  readonly http_status?: number | undefined;
  readonly upstream_id?: string | undefined;
  readonly first_content_ms?: number | undefined;
  readonly usage?: UsageJson | undefined;
  readonly cost?: CostJson | undefined;
}

interface RequestEndedJson {
  readonly kind: "request_ended";
  readonly request: string;
  readonly state: "completed" | "failed";
  readonly ended_ms: number;
  readonly reason?: string | undefined;
  readonly attempts: number;
}

interface SegmentJson {
  readonly kind: "segment";
  readonly segment: number;
  readonly carried: number;
  readonly made_ms: number;
}

type ContentJson = ForwardedJson | AttemptEndedJson | RequestEndedJson | SegmentJson;
type LineJson = { readonly v: number; readonly epoch: number; readonly seq: number } & ContentJson;

// One literal per kind, written out: JSON.stringify is fastest on objects of one shape.
function toJson(epoch: number, seq: number, content: LedgerRecord | SegmentHead): LineJson {
  switch (content.kind) {
    case "forwarded":
      return forwardedToJson(epoch, seq, content);
    case "attempt_ended":
      return attemptEndedToJson(epoch, seq, content);
    case "request_ended": {
      const { requestId: request, state, endedAtMs: ended_ms, reason, attempts } = content;
      return { v: FORMAT_VERSION, epoch, seq, kind: "request_ended", request, state, ended_ms, reason, attempts };
    }
    case "segment": {
      const { segment, carried, madeAtMs: made_ms } = content;
      return { v: FORMAT_VERSION, epoch, seq, kind: "segment", segment, carried, made_ms };
    }
  }
}

function forwardedToJson(epoch: number, seq: number, record: ForwardedRecord): LineJson {
  return {
    v: FORMAT_VERSION,
    epoch,
    seq,
    kind: "forwarded",
    request: record.requestId,
    attempt: record.attempt,
    received_ms: record.receivedAtMs,
    forwarded_ms: record.forwardedAtMs,
    key: record.keyId,
    surface: record.surface,
    asked: record.requestedModel,
    provider: record.provider,
    model: record.model,
    credential: record.credentialId,
    stream: record.stream,
    input_bound: record.inputTokensUpperBound,
    prices: record.priceVersion,
    org: record.organisation,
    project: record.project,
    held: record.hold?.nanoUsd,
    buckets: record.hold?.buckets.map((one) => [one.account, one.bucket]),
    tags: record.tags,
    shadow: record.shadow,
  };
}

function attemptEndedToJson(epoch: number, seq: number, record: AttemptEndedRecord): LineJson {
  return {
    v: FORMAT_VERSION,
    epoch,
    seq,
    kind: "attempt_ended",
    request: record.requestId,
    attempt: record.attempt,
    state: record.state,
    ended_ms: record.endedAtMs,
    reason: record.reason,
    http_status: record.httpStatus,
    upstream_id: record.upstreamRequestId,
    first_content_ms: record.firstContentMs === undefined ? undefined : Math.round(record.firstContentMs),
    usage: record.usage && usageToJson(record.usage),
    cost: record.cost && costToJson(record.cost),
  };
}

function fromJson(json: LineJson): LedgerRecord | SegmentHead {
  switch (json.kind) {
    case "forwarded":
      return forwardedFromJson(json);
    case "attempt_ended":
      return attemptEndedFromJson(json);
    case "request_ended": {
      const { request: requestId, state, ended_ms: endedAtMs, reason, attempts } = json;
      return { kind: "request_ended", requestId, state, endedAtMs, reason, attempts } satisfies RequestEndedRecord;
    }
    case "segment":
      return { kind: "segment", segment: json.segment, carried: json.carried, madeAtMs: json.made_ms };
  }
}

function forwardedFromJson(json: ForwardedJson): ForwardedRecord {
  return {
    kind: "forwarded",
    requestId: json.request,
    attempt: json.attempt,
    receivedAtMs: json.received_ms,
    forwardedAtMs: json.forwarded_ms,
    keyId: json.key,
    surface: json.surface,
    requestedModel: json.asked,
    provider: json.provider,
    model: json.model,
    credentialId: json.credential,
    stream: json.stream,
    inputTokensUpperBound: json.input_bound,
    priceVersion: json.prices,
    organisation: json.org,
    project: json.project,
    hold:
      json.held === undefined
        ? undefined
        : { nanoUsd: json.held, buckets: (json.buckets ?? []).map(([account, bucket]) => ({ account, bucket })) },
    tags: json.tags ?? {},
    ...(json.shadow ? { shadow: true as const } : {}),
  };
}

function attemptEndedFromJson(json: AttemptEndedJson): AttemptEndedRecord {
  return {
    kind: "attempt_ended",
    requestId: json.request,
    attempt: json.attempt,
    state: json.state,
    endedAtMs: json.ended_ms,
    reason: json.reason,
    httpStatus: json.http_status,
    upstreamRequestId: json.upstream_id,
    firstContentMs: json.first_content_ms,
    usage: json.usage && usageFromJson(json.usage),
    cost: json.cost && costFromJson(json.cost),
  };
}
