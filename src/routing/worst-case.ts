import { Support, type ChatRequest } from "../contract/index.ts";
import { hasPriceOfTier, isFree, isPriced } from "./cost.ts";
import type { Target } from "./target.ts";

/** The rule that excludes, on a key with budgets, a target of which nobody can tell what a request may cost there. */
export const BUDGET_RULE = "budget";

// Names of a provider's own fields behind which there are fees, further calls, or dearer models and tiers.
const COSTLY_FIELD =
  /search|tool|plugin|mcp|connector|container|ground|brows|agent|best_of|candidate|completions|tier|speed|fallback|model|route|modalit|image|audio|video|background/i;

/** Why nothing bounds what a request may cost at a target, in words; undefined: its worst case is known. */
export function unboundedCost(request: ChatRequest, target: Target): string | undefined {
  const { facts } = target;
  if (!isPriced(target)) return "its price is not known: the configuration may name one, also 0";
  if (isFree(target)) return undefined;
  if (facts.billing?.unbounded !== undefined) return facts.billing.unbounded;
  const tool = request.tools.find(({ kind }) => kind.case === "webSearch" || kind.case === "native");
  if (tool) return "nothing bounds what the provider's own tools cost";
  const field = costlyField(request, target);
  if (field !== undefined) return `the field ${field} of raw_params may cost more than can be told`;
  if (request.sampling?.maxOutputTokens === undefined && facts.maxOutputTokens === undefined) {
    return "its most output is not known, and the request sets no sampling.max_output_tokens";
  }
  const mayReason = facts.capabilities.reasoning !== Support.REJECTED && request.reasoning?.enabled !== false;
  if (facts.billing?.limitCovers === "visible" && mayReason) return "its output limit does not cover reasoning";
  return undefined;
}

/** The processing tier that the request asks for, where its price at the target is not known; undefined: it is. */
export function unpricedTier(request: ChatRequest, target: Target): string | undefined {
  const { serviceTier } = request;
  if (serviceTier === undefined || isFree(target) || hasPriceOfTier(target, serviceTier)) return undefined;
  return serviceTier;
}

function costlyField(request: ChatRequest, { provider }: Target): string | undefined {
  for (const raw of request.rawParams) {
    if (raw.provider !== undefined && raw.provider !== provider) continue;
    const found = Object.keys(JSON.parse(raw.json) as object).find((name) => COSTLY_FIELD.test(name));
    if (found !== undefined) return found.slice(0, 64);
  }
  return undefined;
}
