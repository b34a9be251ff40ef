import {
  ParleyRequestError,
  type ErrorAttempt,
  type ErrorExclusion,
  type ErrorFacts,
  type ErrorUpstream,
} from "./errors.ts";
import { faultFromText, reasonFromText } from "./reasons.ts";

type Fields = Readonly<Record<string, unknown>>;

const MAX_BODY_CHARACTERS = 65_536;

/**
 * The error in a REST reply: the parsed body or its text, one `data:` payload of a stream, the body's `error` object, or
 * an error of an OpenAI client, which keeps that object under `error`. Undefined where it has no `parley` object.
 */
export function restErrorFrom(value: unknown): ParleyRequestError | undefined {
  const body = typeof value === "string" ? parsed(value) : value;
  if (!isFields(body)) return undefined;
  const error = isFields(body["error"]) ? body["error"] : body;
  // an OpenAI client that was handed the whole body keeps `error` inside `error`
  const inner = isFields(error["error"]) ? error["error"] : error;
  const parley = inner["parley"];
  if (!isFields(parley) || typeof parley["reason"] !== "string") return undefined;
  const message =
    textAt(inner, "message") || textAt(parley, "message") || `The gateway failed with ${parley["reason"]}`;
  return new ParleyRequestError(message, factsOf(parley, inner), value instanceof Error ? { cause: value } : {});
}

function factsOf(parley: Fields, error: Fields): ErrorFacts {
  const retryDelayMs = numberAt(parley, "retry_delay_ms");
  const upstream = parley["upstream"];
  return {
    reason: reasonFromText(textAt(parley, "reason")),
    fault: faultFromText(textAt(parley, "fault")),
    retryable: parley["retryable"] === true,
    safeToRetry: at(parley, "safe_to_retry") === true,
    field: textAt(parley, "field") || textAt(error, "param"),
    attempts: listAt(parley, "attempts").map(attemptOf),
    exclusions: listAt(parley, "exclusions").map(exclusionOf),
    requestId: textAt(parley, "request_id"),
    errorId: textAt(parley, "error_id"),
    ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
    ...(isFields(upstream) ? { upstream: upstreamOf(upstream) } : {}),
  };
}

function attemptOf(attempt: Fields): ErrorAttempt {
  const target = isFields(attempt["target"]) ? attempt["target"] : attempt;
  const httpStatus = numberAt(attempt, "http_status");
  return {
    provider: textAt(target, "provider"),
    model: textAt(target, "model"),
    reason: reasonFromText(textAt(attempt, "reason")),
    durationMs: numberAt(attempt, "duration_ms") ?? 0,
    ...(httpStatus === undefined ? {} : { httpStatus }),
  };
}

function exclusionOf(exclusion: Fields): ErrorExclusion {
  return {
    constraint: textAt(exclusion, "constraint"),
    count: numberAt(exclusion, "count") ?? 0,
    example: textAt(exclusion, "example"),
  };
}

function upstreamOf(upstream: Fields): ErrorUpstream {
  const httpStatus = numberAt(upstream, "http_status");
  return {
    type: textAt(upstream, "type"),
    code: textAt(upstream, "code"),
    message: textAt(upstream, "message"),
    requestId: textAt(upstream, "request_id"),
    ...(httpStatus === undefined ? {} : { httpStatus }),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(text: string): unknown {
  const trimmed = text.trimStart();
  if (!trimmed.startsWith("{") || text.length > MAX_BODY_CHARACTERS) return undefined;
  try {
    return JSON.parse(trimmed);
  } catch {
    return undefined;
  }
}

// REST spells fields in snake_case; the contract's own JSON, which some tools pass on, in camelCase.
function at(fields: Fields, name: string): unknown {
  return fields[name] ?? fields[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())];
}

function textAt(fields: Fields, name: string): string {
  const value = at(fields, name);
  return typeof value === "string" ? value : "";
}

function numberAt(fields: Fields, name: string): number | undefined {
  const value = at(fields, name);
  return typeof value === "number" ? value : undefined;
}

function listAt(fields: Fields, name: string): readonly Fields[] {
  const value = at(fields, name);
  return Array.isArray(value) ? value.filter(isFields) : [];
}
