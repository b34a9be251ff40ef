import { create } from "@bufbuild/protobuf";
import { AdaptationSchema, SamplingSchema, type Adaptation, type ChatRequest } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import { inputSize } from "../ledger/estimate.ts";
import type { BudgetAccount } from "../policy/budgets/account.ts";
import { Hold, type BudgetRefusal } from "../policy/budgets/hold.ts";
import { affordableOutput, requestTokens, worstCostNanoUsd, type RequestTokens } from "../routing/cost.ts";
import type { Target } from "../routing/target.ts";
import { unpricedTier } from "../routing/worst-case.ts";
import { budgetExceeded, noWorstCase } from "./budget-exceeded.ts";
import { BudgetMeter } from "./budget-meter.ts";
import type { Forwarding } from "./forward.ts";
import { waitFor } from "./wait-for.ts";

/** What is set aside for an attempt, and the request as it may be sent for that. */
export interface Held {
  readonly hold: Hold;
  readonly request: ChatRequest;
  readonly adaptations: readonly Adaptation[];
  /** Tells when the provider goes beyond what is held. */
  readonly meter: BudgetMeter;
}

// A hold outlives its request's deadline by this, and is then taken for lost.
const EXPIRES_AFTER_DEADLINE_MS = 60_000;

/**
 * Sets aside what an attempt may cost at worst, in every budget that it concerns; undefined: none. At once where the
 * purses have it. Throws or rejects with `BUDGET_EXCEEDED`, or with what the bank says that cannot tell what is left.
 */
export function hold(
  forwarding: Forwarding,
  target: Target,
  asked: ChatRequest,
): Held | undefined | Promise<Held | undefined> {
  const { parts, call, account } = forwarding;
  const { budgets: rules } = call.caller;
  if (rules.length === 0) return undefined;
  const accounts = parts.budgets.accounts.concerned(rules, target.name, call.request.tags);
  if (accounts.length === 0) return undefined;
  const tier = unpricedTier(asked, target);
  const request = tier === undefined ? asked : withoutTier(asked);
  const tokens = requestTokens(request, asked === call.request ? account.inputSize : inputSize(request));
  const nanoUsd = worstOf(target, tokens);
  if (nanoUsd === 0) return undefined;
  const adaptations = tier === undefined ? [] : [tierLeftOut(tier)];
  const wish: Wish = { forwarding, target, accounts, request, tokens, nanoUsd, adaptations };
  const taken = parts.budgets.take(accounts, nanoUsd, expiresAtMs(forwarding));
  if (!(taken instanceof Promise)) return taken instanceof Hold ? heldOf(wish, taken) : clamped(wish, taken);
  return patiently(forwarding, taken).then((one) => (one instanceof Hold ? heldOf(wish, one) : clamped(wish, one)));
}

interface Wish {
  readonly forwarding: Forwarding;
  readonly target: Target;
  readonly accounts: readonly BudgetAccount[];
  readonly request: ChatRequest;
  readonly tokens: RequestTokens;
  readonly nanoUsd: number;
  readonly adaptations: readonly Adaptation[];
}

function heldOf({ request, adaptations, tokens, target }: Wish, taken: Hold): Held {
  return { hold: taken, request, adaptations, meter: new BudgetMeter(target, tokens, taken.nanoUsd) };
}

/** The same with a lower output limit, where the key's policy allows that and something useful is left. */
function clamped(wish: Wish, refusal: BudgetRefusal): Held | Promise<Held> {
  const { forwarding, target, accounts, tokens, adaptations } = wish;
  const { parts, call, config } = forwarding;
  const refused = budgetExceeded(refusal.account, wish.nanoUsd, parts.runtime.nowMs());
  if (call.caller.onLowBudget !== "clamp" || !Number.isFinite(refusal.mostNanoUsd)) throw refused;
  const limit = affordableOutput(target, tokens, refusal.mostNanoUsd) ?? 0;
  if (limit < 1) throw refused;
  const request = withLimit(wish.request, limit);
  // Some models take no limit that is so low.
  if ((config.adapters.get(target.provider)?.unsupported(request, target).length ?? 0) > 0) throw refused;
  const lower = { ...tokens, outputLimit: limit };
  const lowered: Wish = {
    ...wish,
    request,
    tokens: lower,
    nanoUsd: worstOf(target, lower),
    adaptations: [...adaptations, limitLowered(wish.request, limit)],
  };
  const taken = parts.budgets.take(accounts, lowered.nanoUsd, expiresAtMs(forwarding));
  const held = (one: Hold | BudgetRefusal): Held => {
    if (one instanceof Hold) return heldOf(lowered, one);
    throw refused;
  };
  return taken instanceof Promise ? patiently(forwarding, taken).then(held) : held(taken);
}

/** Waits for a hold no longer than the request may; one that comes later is given back. */
function patiently(
  { parts, call, watch }: Forwarding,
  taken: Promise<Hold | BudgetRefusal>,
): Promise<Hold | BudgetRefusal> {
  return waitFor(taken, {
    runtime: parts.runtime,
    signal: call.signal,
    remainingMs: watch.remainingMs,
    late: (one) => one instanceof Hold && parts.budgets.release(one),
    timedOut: () =>
      new ParleyError(
        "DEADLINE_EXCEEDED",
        "Cannot hold money for the attempt: the budget's store did not answer in time",
      ),
  });
}

function worstOf(target: Target, tokens: RequestTokens): number {
  const worst = worstCostNanoUsd(target, tokens);
  if (worst === undefined || worst > BigInt(Number.MAX_SAFE_INTEGER)) throw noWorstCase(target);
  return Number(worst);
}

function expiresAtMs({ parts, watch }: Forwarding): number {
  return parts.runtime.nowMs() + watch.remainingMs + EXPIRES_AFTER_DEADLINE_MS;
}

function withLimit(request: ChatRequest, maxOutputTokens: number): ChatRequest {
  return { ...request, sampling: { ...(request.sampling ?? create(SamplingSchema)), maxOutputTokens } };
}

function withoutTier(request: ChatRequest): ChatRequest {
  const { serviceTier: _, ...rest } = request;
  return rest;
}

function limitLowered({ sampling }: ChatRequest, limit: number): Adaptation {
  return create(AdaptationSchema, {
    field: "sampling.max_output_tokens",
    requestedJson: sampling?.maxOutputTokens === undefined ? "" : String(sampling.maxOutputTokens),
    appliedJson: String(limit),
    reason: "a budget of the key has no more left",
  });
}

function tierLeftOut(tier: string): Adaptation {
  return create(AdaptationSchema, {
    field: "service_tier",
    requestedJson: JSON.stringify(tier),
    reason: "the key has budgets, and the tier's price at the target is not known",
  });
}
