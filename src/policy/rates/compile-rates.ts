import { compileGlobs } from "../glob.ts";
import { policyText, type PolicyOf } from "../holder.ts";
import type { RateHolder, RateRule } from "./rate-rule.ts";

/** One limit as configured or stored. */
export interface RateSetting {
  readonly kind: RateRule["kind"];
  readonly limit: number;
  /** Length of the window; 0 for concurrency. */
  readonly windowMs: number;
  /** Patterns over `provider/model`; undefined: every request counts. */
  readonly models: readonly string[] | undefined;
}

/** The limits of a holder's policy. */
export function compileRates(by: PolicyOf, settings: readonly RateSetting[]): RateRule[] {
  return settings.map((setting) => compile(by.holder, policyText(by), setting));
}

/** The limits of a provider, which attempts of all callers share. */
export function compileProviderRates(provider: string, settings: readonly RateSetting[]): RateRule[] {
  const holder = { kind: "provider" as const, id: provider };
  const anywhere = [`${provider}/*`];
  return settings.map((setting) =>
    compile(holder, `the provider ${provider}`, { ...setting, models: setting.models ?? anywhere }),
  );
}

function compile(holder: RateHolder, owner: string, { kind, limit, windowMs, models }: RateSetting): RateRule {
  const unit = kind === "concurrency" ? kind : `${kind}/${windowMs / 1000}s`;
  const scope = models === undefined ? "" : `|models=${models.toSorted().join(",")}`;
  const rule = {
    holder,
    account: `${holder.kind}:${holder.id}|${unit}${scope}`,
    kind,
    limit,
    windowMs,
    countsModel: models === undefined ? undefined : compileGlobs(models),
  };
  const over = models === undefined || holder.kind === "provider" ? "" : ` to ${models.join(", ")}`;
  return { ...rule, text: `the limit of ${rateText(rule)}${over} of ${owner}` };
}

const LENGTHS: readonly (readonly [windowMs: number, name: string])[] = [
  [1_000, "second"],
  [60_000, "minute"],
  [3_600_000, "hour"],
  [86_400_000, "day"],
];

/** A limit for people, for example `600 requests per minute`. */
export function rateText({ kind, limit, windowMs }: Pick<RateRule, "kind" | "limit" | "windowMs">): string {
  if (kind === "concurrency") return `${limit} requests at once`;
  const length = LENGTHS.find(([ms]) => ms === windowMs)?.[1] ?? `${windowMs / 1000} s`;
  return `${limit} ${kind} per ${length}`;
}
