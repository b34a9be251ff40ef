import { Fault, type ErrorReason } from "../../contract/index.ts";
import { reasonName, type ParleyError } from "../../errors/index.ts";
import type { Log } from "../../observe/log.ts";
import type { Metrics } from "../../observe/metrics.ts";
import type { ChatObserver, RequestEnd } from "../../pipeline/parts.ts";

const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900];

/** Counts chat requests and attempts, and logs the ones that fail. Never sees content. */
export function createChatObserver(metrics: Metrics, log: Log): ChatObserver {
  const running = metrics.gauge("parley_chat_running", "Chat requests that run.", []);
  const requests = metrics.counter(
    "parley_chat_requests_total",
    "Chat requests that have ended, by surface, kind and result (completed, or the error's reason).",
    ["surface", "kind", "result"],
  );
  const duration = metrics.histogram(
    "parley_chat_duration_seconds",
    "Time from a chat request's arrival to its end.",
    ["kind"],
    SECONDS,
  );
  const attempts = metrics.counter(
    "parley_attempts_total",
    "Attempts that have ended, by provider and result (completed, or the error's reason).",
    ["provider", "result"],
  );
  const own = metrics.counter(
    "parley_own_calls_total",
    "Calls that the gateway made on its own account (shadow or probe), by provider and result.",
    ["why", "provider", "result"],
  );
  const firstContent = metrics.histogram(
    "parley_first_content_seconds",
    "Time from an attempt's start to its first content.",
    ["provider"],
    SECONDS,
  );
  const tokens = metrics.counter(
    "parley_tokens_total",
    "Tokens of attempts that reported or estimated usage, by provider and direction.",
    ["provider", "direction"],
  );
  const drift = metrics.counter(
    "parley_upstream_unknown_total",
    "Members, events and values of providers' answers that their dialect does not know: their API has changed.",
    ["dialect", "path"],
  );
  return {
    requestStarted: () => running.add(1),
    attemptEnded(attempt, target) {
      attempts.add(1, target.provider, attempt.reason === 0 ? "completed" : resultOf(attempt.reason));
      if (attempt.firstContentMs !== undefined) firstContent.observe(attempt.firstContentMs / 1000, target.provider);
      if (!attempt.usage) return;
      const { inputTokens, cacheReadTokens, outputTokens, reasoningTokens } = attempt.usage;
      tokens.add((inputTokens ?? 0) + (cacheReadTokens ?? 0), target.provider, "input");
      tokens.add((outputTokens ?? 0) + (reasoningTokens ?? 0), target.provider, "output");
    },
    ownCallEnded(why, attempt, target) {
      own.add(1, why, target.provider, attempt.reason === 0 ? "completed" : resultOf(attempt.reason));
    },
    drifted(dialect, path) {
      drift.add(1, dialect, path);
      log.debug("a provider's answer holds something new", { dialect, path });
    },
    requestEnded(end) {
      running.add(-1);
      const kind = end.stream ? "stream" : "unary";
      requests.add(1, end.surface, kind, end.error ? resultOf(end.error.reason) : "completed");
      duration.observe(end.durationMs / 1000, kind);
      if (end.error) logFailure(log, end, end.error);
    },
  };
}

function logFailure(log: Log, end: RequestEnd, error: ParleyError): void {
  const { fault } = error.row;
  const write = fault === Fault.CALLER || fault === Fault.POLICY ? log.debug : log.warn;
  write("chat request failed", {
    request_id: end.requestId,
    key_id: end.keyId,
    surface: end.surface,
    reason: resultOf(error.reason),
    message: error.message,
    attempts: end.attempts,
    duration_ms: Math.round(end.durationMs),
    cause: causeOf(error.cause),
  });
}

function resultOf(reason: ErrorReason): string {
  return reasonName(reason).toLowerCase();
}

// A defect's stack helps to mend it; what it says may hold content, so only its name and place are told.
function causeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const place = cause.stack?.split("\n").find((line) => line.trimStart().startsWith("at "));
  return `${cause.name}${place ? ` ${place.trim()}` : ""}`;
}
