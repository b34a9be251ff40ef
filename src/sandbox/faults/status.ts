import type { Exchange } from "../exchange.ts";
import { before, both, callerError, type ExpectedOutcome, type ModelRow } from "../model-row.ts";
import type { Step } from "../steps.ts";
import type { FailureKind } from "../wire-format.ts";

// Faults that are a status: the provider says no, in its own words.

const DAY_SECONDS = 86_400;

function status(
  name: string,
  kind: FailureKind,
  summary: string,
  outcome: ExpectedOutcome,
  settings: ModelRow["settings"] = {},
  unlike: ModelRow["unlike"] = {},
): ModelRow {
  const words = "The failure's status and body.";
  const play = (exchange: Exchange): Iterable<Step> => exchange.failure(kind, retryAfter(exchange));
  return {
    name,
    group: "fault",
    summary,
    unary: words,
    stream: words,
    expected: both(outcome),
    unlike,
    settings,
    play,
  };
}

function retryAfter({ settings, nowMs }: Exchange): Record<string, string> {
  const value = settings.retry_after;
  if (value === undefined || value === "none") return {};
  if (value === "date") return { "retry-after": new Date(nowMs + 2_000).toUTCString() };
  if (value === "absurd") return { "retry-after": String(3_650 * DAY_SECONDS) };
  if (value === "garbage") return { "retry-after": "soon" };
  return { "retry-after": value };
}

const limited = before("PROVIDER_RATE_LIMITED");
const failed = before("PROVIDER_ERROR");
const overloaded = before("PROVIDER_OVERLOADED");

// One type of error for whatever it denies an account.
const SAYS_ACCESS = { "anthropic-messages": both(before("PROVIDER_ACCESS")) };

/** Faults that are a status. */
export const STATUS_FAULTS: readonly ModelRow[] = [
  status("fault-429", "rate_limited", "Is rate-limited, always, with Retry-After.", limited, { retry_after: "1" }),
  status("fault-429-once", "rate_limited", "Is rate-limited once, then answers.", limited, {
    retry_after: "1",
    times: 1,
  }),
  status("fault-429-quota", "quota", "Has used up its credit: waiting does not help.", before("PROVIDER_BILLING")),
  status("fault-500", "server_error", "Fails with 500.", failed),
  status("fault-500-once", "server_error", "Fails with 500 once, then answers.", failed, { times: 1 }),
  status("fault-503", "unavailable", "Is unavailable: 503.", overloaded, { retry_after: "none" }),
  status("fault-529", "overloaded", "Is overloaded: 529.", overloaded, { retry_after: "none" }),
  status("fault-401", "invalid_key", "Rejects the gateway's own key.", before("PROVIDER_CREDENTIAL")),
  status("fault-402", "billing", "Has no balance left: 402.", before("PROVIDER_BILLING")),
  status("fault-403", "forbidden_model", "Denies the account this one model.", before("PROVIDER_ACCESS")),
  status(
    "fault-403-account",
    "forbidden_region",
    "Denies the account everything.",
    before("PROVIDER_REGION"),
    {},
    SAYS_ACCESS,
  ),
  status("fault-404", "model_not_found", "Does not have the model, although it lists it.", before("MODEL_NOT_FOUND")),
  status("fault-400", "invalid_request", "Refuses the request as invalid.", callerError("INVALID_REQUEST")),
  status(
    "fault-400-filter",
    "content_blocked",
    "Refuses the prompt: its content filter.",
    callerError("PROVIDER_CONTENT_BLOCKED"),
  ),
  status("fault-flap", "unavailable", "Is down for a minute from its first request on, then answers.", overloaded, {
    down_ms: 60_000,
    retry_after: "none",
  }),
  {
    name: "long-context",
    group: "fault",
    summary: "Has a tiny context window.",
    unary: "400 when the conversation is longer than the window, otherwise the story.",
    stream: "The same.",
    expected: both(callerError("CONTEXT_TOO_LONG")),
    settings: { window: 8 },
    play: (exchange) =>
      exchange.ask.inputTokens > exchange.settings.window ? exchange.failure("context_length") : exchange.good(),
  },
];
