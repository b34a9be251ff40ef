import { buildBudgets } from "./schema-budgets.ts";
import { buildContent } from "./build-content.ts";
import { buildConstraints } from "./build-routes.ts";
import type { PermitConfig, PolicyConfig, RateConfig } from "./config-policies.ts";
import type { PolicyData } from "./schema-policies.ts";
import { PER_MS, type RatesData } from "./schema-rates.ts";
import type { FileData } from "./schema.ts";

/** The policies of the file. */
export function buildPolicies(data: FileData): PolicyConfig[] {
  return Object.entries(data.policies ?? {}).map(([name, policy]) => ({
    name,
    allowModels: policy.allow_models ?? ["*"],
    denyModels: policy.deny_models ?? [],
    constraints: policy.constraints && buildConstraints(policy.constraints),
    permit: buildPermit(policy),
    rates: buildRates(policy.rates),
    content: buildContent(policy.content),
    ...buildBudgets(policy),
  }));
}

/** What a policy permits: what is not named is permitted. */
function buildPermit({
  permit = {},
  allow_raw_params: allowRawParams,
}: Pick<PolicyData, "permit" | "allow_raw_params">): PermitConfig {
  return {
    reasoning: permit.reasoning ?? true,
    streaming: permit.streaming ?? true,
    tools: permit.tools ?? true,
    vision: permit.vision ?? true,
    imageGeneration: permit.image_generation ?? true,
    audio: permit.audio ?? true,
    rawParams: permit.raw_params ?? allowRawParams ?? true,
    costTier: permit.cost_tier,
    maxInputTokens: permit.max_input_tokens,
    maxOutputTokens: permit.max_output_tokens,
    maxContextTokens: permit.max_context_tokens,
    requiredTags: permit.required_tags ?? [],
  };
}

/** The policy of the `local` key where the configuration has none of that name: 5 USD a day. */
export const DEFAULT_LOCAL_POLICY: PolicyConfig = {
  name: "local",
  allowModels: ["*"],
  denyModels: [],
  constraints: undefined,
  permit: buildPermit({}),
  rates: [],
  content: [],
  ...buildBudgets({ budgets: [{ limit_usd: 5_000_000_000, window: "calendar_day" }] }),
};

/** The limits of a policy or a provider. */
export function buildRates(data: RatesData | undefined): RateConfig[] {
  return (data ?? []).map(({ requests, tokens, concurrency, per, models }) => {
    const [kind, limit] =
      requests !== undefined
        ? (["requests", requests] as const)
        : tokens !== undefined
          ? (["tokens", tokens] as const)
          : (["concurrency", concurrency ?? 0] as const);
    return { kind, limit, windowMs: kind === "concurrency" || per === undefined ? 0 : PER_MS[per], models };
  });
}
