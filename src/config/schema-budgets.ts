import type { AlertsConfig, Secret } from "./config.ts";
import type { BudgetConfig, PolicyConfig } from "./config-policies.ts";
import { listAt, mapAt, type Report } from "./raw.ts";
import { amount, choice, duration, figure, secret, text } from "./scalars.ts";
import { listOf, section } from "./section.ts";

const CALENDAR = ["calendar_hour", "calendar_day", "calendar_week", "calendar_month"] as const;
const LONGEST_ROLLING_HOURS = 744;
// Money is counted exactly below 2^53 nano-USD.
const MOST_USD = 9_000_000;
const WINDOW = /^(?:calendar_(?:hour|day|week|month)|rolling_([1-9]\d{0,2})h)$/;
const DEFAULT_WINDOW_ZONE = "UTC";
/** What is told of where a budget says nothing. */
const DEFAULT_ALERT_SHARES: readonly number[] = [0.8, 1];

/** What a policy says about money, as keys of its section. */
export function budgetKeys() {
  const pattern = "A provider/model; * stands for any characters.";
  const budget = section({
    limit_usd: amount("Most that requests may cost in a window.", MOST_USD),
    window: text(
      `When it begins anew: ${CALENDAR.join(", ")}, or rolling_24h for the last 24 hours (up to ${LONGEST_ROLLING_HOURS}).`,
      `${CALENDAR.join(", ")} or rolling_Nh with N from 1 to ${LONGEST_ROLLING_HOURS}`,
      WINDOW,
    ),
    timezone: text(`Place whose calendar counts, such as Europe/Berlin. Unset: ${DEFAULT_WINDOW_ZONE}.`).optional(),
    models: listOf(text(pattern), "Models that count. Unset: all do.", "a list of patterns").optional(),
    tag: text("A tag of requests each of whose values has the limit for itself. Unset: all count together.").optional(),
    alerts: listOf(
      figure("A share of the limit, from 0 to 1.", 0, 1),
      `Shares of the limit whose passing is told. Unset: ${DEFAULT_ALERT_SHARES.join(", ")}.`,
      "a list of shares from 0 to 1",
    ).optional(),
  }).meta({ id: "budget" });
  return {
    budgets: listOf(budget, "What requests may cost. All of them hold.", "a list of budgets").optional(),
    on_low_budget: choice(
      "refuse: a request that may cost more than is left is refused. clamp: its output limit is lowered to what is left.",
      ["refuse", "clamp"],
      [],
      "refuse",
    ).optional(),
    when_exceeded: section({ model: text("A route or provider/model.") })
      .describe("What serves requests for which a budget has too little left. Unset: they are refused.")
      .optional(),
  };
}

const MINUTE_MS = 60_000;
const DEFAULT_BURN_OVER_MS = 60 * MINUTE_MS;

/** Where alerts of budgets go, and what is one beside the thresholds of budgets. */
export function alertsSection() {
  return section({
    webhook: text(
      "URL to which alerts are posted as JSON.",
      "a URL that begins with https:// or http://",
      URL_PATTERN,
    ).optional(),
    secret: secret("Signs what is posted: HMAC-SHA256 in x-parley-signature. Unset: it is not signed.", {
      min: 16,
      max: 512,
      spaces: false,
    }).optional(),
    burn_rate: section({
      factor: figure("How many times faster than evenly money may go.", 1, 1_000),
      over: duration("Over how long.", [10 * MINUTE_MS, 24 * 60 * MINUTE_MS], DEFAULT_BURN_OVER_MS).optional(),
    })
      .describe("Tell when money goes so fast that a limit will not last. Unset: that is not looked at.")
      .optional(),
  }).describe("Alerts of budgets.");
}

const URL_PATTERN = /^https?:\/\/[^\s@#]+$/;

/** What the schema lets through of `alertsSection`. */
export interface AlertsData {
  readonly webhook?: string | undefined;
  readonly secret?: Secret | undefined;
  readonly burn_rate?: { readonly factor: number; readonly over?: number | undefined } | undefined;
}

/** What the file says about alerts. */
export function buildAlerts({ webhook, secret: signs, burn_rate: burnRate }: AlertsData = {}): AlertsConfig {
  return {
    webhook: webhook === undefined ? undefined : { url: webhook, secret: signs },
    burnRate: burnRate && { factor: burnRate.factor, overMs: burnRate.over ?? DEFAULT_BURN_OVER_MS },
  };
}

/** What the schema lets through of `budgetKeys`. */
export interface BudgetData {
  readonly budgets?:
    | readonly {
        readonly limit_usd: number;
        readonly window: string;
        readonly timezone?: string | undefined;
        readonly models?: readonly string[] | undefined;
        readonly tag?: string | undefined;
        readonly alerts?: readonly number[] | undefined;
      }[]
    | undefined;
  readonly on_low_budget?: "refuse" | "clamp" | undefined;
  readonly when_exceeded?: { readonly model: string } | undefined;
}

/** What a policy says about money, for the configuration. */
export function buildBudgets(data: BudgetData): Pick<PolicyConfig, "budgets" | "onLowBudget" | "whenExceeded"> {
  return {
    budgets: (data.budgets ?? []).map((one) => ({
      limitNanoUsd: one.limit_usd,
      window: windowOf(one.window, one.timezone ?? DEFAULT_WINDOW_ZONE),
      models: one.models,
      tag: one.tag,
      alertShares: one.alerts ?? DEFAULT_ALERT_SHARES,
    })),
    onLowBudget: data.on_low_budget ?? "refuse",
    whenExceeded: data.when_exceeded?.model,
  };
}

function windowOf(word: string, timezone: string): BudgetConfig["window"] {
  const hours = WINDOW.exec(word)?.[1];
  if (hours !== undefined) return { kind: "rolling", hours: Number(hours) };
  return { kind: CALENDAR.find((one) => one === word) ?? "calendar_day", timezone };
}

/** Checks what no schema can of a policy's budgets: places, patterns, and settings that would be ignored. */
export function checkBudgets(policy: unknown, path: readonly string[], report: Report): void {
  const { budgets, on_low_budget: onLow, when_exceeded: whenExceeded } = mapAt(policy);
  const seen = new Map<string, number>();
  for (const [index, entry] of listAt(budgets).entries()) {
    const { window, timezone, models, tag } = mapAt(entry);
    const at = [...path, "budgets", index];
    if (typeof timezone === "string" && timezone !== "" && !isTimezone(timezone)) {
      report(
        "invalid_value",
        [...at, "timezone"],
        (shown) => `expected an IANA name such as Europe/Berlin, got ${shown}`,
      );
    }
    if (timezone !== undefined && typeof window === "string" && window.startsWith("rolling_")) {
      report("conflict", [...at, "timezone"], "takes effect with calendar windows only: remove it", "key");
    }
    const hours = typeof window === "string" ? WINDOW.exec(window)?.[1] : undefined;
    if (hours !== undefined && Number(hours) > LONGEST_ROLLING_HOURS) {
      report("invalid_value", [...at, "window"], `expected at most rolling_${LONGEST_ROLLING_HOURS}h`);
    }
    if (Array.isArray(models) && models.length === 0) {
      report("invalid_value", [...at, "models"], "expected at least one pattern");
    }
    const counts = JSON.stringify([
      window,
      timezone ?? DEFAULT_WINDOW_ZONE,
      [...listAt(models)].map(String).sort(),
      tag,
    ]);
    const twin = seen.get(counts);
    if (twin !== undefined)
      report("conflict", at, `budgets[${twin}] counts the same: keep the one with the lower limit`);
    seen.set(counts, index);
  }
  if (listAt(budgets).length > 0) return;
  if (onLow !== undefined) report("conflict", [...path, "on_low_budget"], "takes effect with budgets only", "key");
  if (whenExceeded !== undefined) {
    report("conflict", [...path, "when_exceeded"], "takes effect with budgets only", "key");
  }
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
