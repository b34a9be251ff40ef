import { costFromJson, costToJson, usageFromJson, usageToJson, type CostJson, type UsageJson } from "./figures.ts";
import type { SegmentHead } from "./format.ts";
import type {
  AttemptEndedRecord,
  CheckpointRecord,
  CompensatedRecord,
  ForwardedRecord,
  LedgerRecord,
  RequestEndedRecord,
} from "./records.ts";

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

interface CheckpointJson {
  readonly kind: "partially_streamed";
  readonly request: string;
  readonly attempt: number;
  readonly at_ms: number;
  readonly usage: UsageJson;
  readonly cost?: CostJson | undefined;
}

interface CompensatedJson {
  readonly kind: "compensated";
  readonly request: string;
  readonly attempt: number;
  readonly id: string;
  readonly at_ms: number;
  /** Nano-USD. */
  readonly delta: number;
  readonly reason: string;
  readonly actor: string;
}

type ContentJson = ForwardedJson | CheckpointJson | AttemptEndedJson | RequestEndedJson | CompensatedJson | SegmentJson;

/** A line's object without its checksum. */
export type LineJson = { readonly v: number; readonly epoch: number; readonly seq: number } & ContentJson;

// One literal per kind, written out: JSON.stringify is fastest on objects of one shape.
/** The object of a record or a segment's head. */
export function contentToJson(
  version: number,
  epoch: number,
  seq: number,
  content: LedgerRecord | SegmentHead,
): LineJson {
  switch (content.kind) {
    case "forwarded":
      return forwardedToJson(version, epoch, seq, content);
    case "partially_streamed": {
      const { kind, requestId: request, attempt, atMs: at_ms } = content;
      const cost = content.cost && costToJson(content.cost);
      return { v: version, epoch, seq, kind, request, attempt, at_ms, usage: usageToJson(content.usage), cost };
    }
    case "attempt_ended":
      return attemptEndedToJson(version, epoch, seq, content);
    case "compensated": {
      const { kind, requestId: request, attempt, compensationId: id, atMs: at_ms, reason, actor } = content;
      return { v: version, epoch, seq, kind, request, attempt, id, at_ms, delta: content.deltaNanoUsd, reason, actor };
    }
    case "request_ended": {
      const { requestId: request, state, endedAtMs: ended_ms, reason, attempts } = content;
      return { v: version, epoch, seq, kind: "request_ended", request, state, ended_ms, reason, attempts };
    }
    case "segment": {
      const { segment, carried, madeAtMs: made_ms } = content;
      return { v: version, epoch, seq, kind: "segment", segment, carried, made_ms };
    }
  }
}

function forwardedToJson(version: number, epoch: number, seq: number, record: ForwardedRecord): LineJson {
  return {
    v: version,
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

function attemptEndedToJson(version: number, epoch: number, seq: number, record: AttemptEndedRecord): LineJson {
  return {
    v: version,
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

/** The record or the head that an object stands for. */
export function contentFromJson(json: LineJson): LedgerRecord | SegmentHead {
  switch (json.kind) {
    case "forwarded":
      return forwardedFromJson(json);
    case "partially_streamed": {
      const { kind, request: requestId, attempt, at_ms: atMs } = json;
      const cost = json.cost && costFromJson(json.cost);
      return { kind, requestId, attempt, atMs, usage: usageFromJson(json.usage), cost } satisfies CheckpointRecord;
    }
    case "attempt_ended":
      return attemptEndedFromJson(json);
    case "compensated": {
      const { kind, request: requestId, attempt, id: compensationId, at_ms: atMs, delta: deltaNanoUsd } = json;
      const { reason, actor } = json;
      return {
        kind,
        requestId,
        attempt,
        compensationId,
        atMs,
        deltaNanoUsd,
        reason,
        actor,
      } satisfies CompensatedRecord;
    }
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
