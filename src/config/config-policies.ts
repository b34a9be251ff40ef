import type { Constraints } from "../contract/index.ts";
import type { Secret } from "./config.ts";

/** What keys may do. */
export interface PolicyConfig {
  readonly name: string;
  /** Glob patterns over route names and `provider/model`. */
  readonly allowModels: readonly string[];
  /** The same of what is forbidden, which wins. */
  readonly denyModels: readonly string[];
  /** What every target must satisfy that a key's request goes to. */
  readonly constraints: Constraints | undefined;
  readonly permit: PermitConfig;
  readonly rates: readonly RateConfig[];
  readonly content: readonly ContentRuleConfig[];
  /** What its keys' requests may cost; all of them hold. */
  readonly budgets: readonly BudgetConfig[];
  readonly onLowBudget: "refuse" | "clamp";
  /** Route or model that serves it when a budget has too little left; undefined: requests are refused. */
  readonly whenExceeded: string | undefined;
}

/** What requests may do. Undefined limits: none. */
export interface PermitConfig {
  readonly reasoning: boolean;
  readonly streaming: boolean;
  readonly tools: boolean;
  readonly vision: boolean;
  readonly imageGeneration: boolean;
  readonly audio: boolean;
  /** Or the top-level names that may be set. */
  readonly rawParams: boolean | readonly string[];
  readonly costTier: "flex" | "standard" | "priority" | undefined;
  readonly maxInputTokens: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly maxContextTokens: number | undefined;
  readonly requiredTags: readonly string[];
}

/** One limit on how fast requests may come. */
export interface RateConfig {
  readonly kind: "requests" | "tokens" | "concurrency";
  readonly limit: number;
  /** Length of the window; 0 for concurrency. */
  readonly windowMs: number;
  /** Glob patterns over `provider/model`; undefined: every request counts. */
  readonly models: readonly string[] | undefined;
}

/** A kind of personal data that content rules can look for. */
export type PiiName = "email" | "phone" | "credit_card" | "iban" | "ip_address" | "us_ssn";

/** One rule of what may be said to and by models: one of `keywords`, `pattern`, `pii` and `hook` is set. */
export interface ContentRuleConfig {
  readonly name: string;
  readonly on: "input" | "output" | "both";
  /** Undefined with a hook, which decides itself. */
  readonly action: "block" | "mask" | undefined;
  /** What stands for what is masked; undefined: a word that says what it was. */
  readonly replacement: string | undefined;
  readonly keywords: readonly string[] | undefined;
  readonly wholeWords: boolean | undefined;
  readonly pattern: string | undefined;
  readonly caseSensitive: boolean | undefined;
  readonly pii: readonly PiiName[] | undefined;
  readonly hook: ContentHookConfig | undefined;
}

/** A classifier that is asked over HTTP. */
export interface ContentHookConfig {
  readonly url: string;
  readonly timeoutMs: number;
  readonly onError: "block" | "allow";
  readonly secret: Secret | undefined;
  /** Characters of a streamed answer after which it is asked. */
  readonly chunkChars: number;
}

/** What requests may cost in a window. */
export interface BudgetConfig {
  /** Whole nano-USD, below 2^53. */
  readonly limitNanoUsd: number;
  readonly window:
    | {
        readonly kind: "calendar_hour" | "calendar_day" | "calendar_week" | "calendar_month";
        /** IANA name. */
        readonly timezone: string;
      }
    | { readonly kind: "rolling"; readonly hours: number };
  /** Patterns over `provider/model`; undefined: every model counts. */
  readonly models: readonly string[] | undefined;
  /** The tag that has an account for each of its values; undefined: one account for all. */
  readonly tag: string | undefined;
  /** Shares of the limit, from 0 to 1, whose passing is told. */
  readonly alertShares: readonly number[];
}
