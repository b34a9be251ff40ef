import type { Constraints } from "../../contract/index.ts";
import type { Holder } from "../holder.ts";
import type { RateSetting } from "../rates/compile-rates.ts";
import type { PolicyBudget } from "../budgets/compile-budgets.ts";
import type { ContentRule } from "../content/content-policy.ts";
import type { CostTier } from "./cost-tier.ts";

/** What a policy says, as configured or stored. What is unset forbids and limits nothing. */
export interface PolicyRules {
  readonly name: string;
  /** Patterns over route names and `provider/model`, in which `*` stands for any characters. */
  readonly allowModels: readonly string[];
  /** The same of what may not be used, which wins. */
  readonly denyModels?: readonly string[];
  /** What every target must satisfy. */
  readonly constraints?: Constraints | undefined;
  readonly permit?: PermitSettings | undefined;
  readonly rates?: readonly RateSetting[];
  /** What may be said to and by models. */
  readonly content?: readonly ContentRule[] | undefined;
  /** What requests may cost, of each holder; unset: anything. */
  readonly budgets?: readonly PolicyBudget[];
  readonly onLowBudget?: "refuse" | "clamp";
  readonly whenExceeded?: string | undefined;
}

/** What a policy permits. */
export interface PermitSettings {
  readonly reasoning: boolean;
  readonly streaming: boolean;
  readonly tools: boolean;
  readonly vision: boolean;
  readonly imageGeneration: boolean;
  readonly audio: boolean;
  readonly rawParams: boolean | readonly string[];
  readonly costTier: CostTier | undefined;
  readonly maxInputTokens: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly maxContextTokens: number | undefined;
  readonly requiredTags: readonly string[];
}

/** A policy and for whom it holds. */
export interface HeldPolicy {
  readonly holder: Holder;
  readonly rules: PolicyRules;
}
