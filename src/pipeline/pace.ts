import type { ChatRequest, Usage } from "../contract/index.ts";
import type { Principal } from "../policy/principal.ts";
import { rateHeaders } from "../policy/rates/rate-headers.ts";
import type { RateDecision, RateFigure, TokenNeed } from "../policy/rates/rate-limiter.ts";
import type { RateRule } from "../policy/rates/rate-rule.ts";
import type { Unavailable } from "../routing/live.ts";
import type { Target } from "../routing/target.ts";
import type { Account } from "./account.ts";
import type { ChatCall } from "./call.ts";
import type { Forwarding } from "./forward.ts";
import type { ChatParts, LiveConfig } from "./parts.ts";

/** What something holds of limits until it is over, and how they stand for the caller. */
export type Paced = Pick<RateDecision, "end" | "figures">;

// What an answer is taken to have at most where nobody has limited it: models may say a hundred times as much, and hardly do.
const OPEN_OUTPUT_TOKENS = 8_192;

/**
 * Takes what the caller's limits ask of a request; `end` gives back what it did not use. Nothing where it has none. Answers
 * at once unless a shared store has to be asked. Throws or rejects with `RATE_LIMITED`, or `REQUEST_TOO_LARGE` where the
 * request is larger than a limit.
 */
export function pace(
  { rates }: Pick<ChatParts, "rates">,
  config: LiveConfig,
  call: ChatCall,
  account: Account,
): Paced | undefined | Promise<Paced> {
  const { requests } = splitRates(call.caller.rates);
  if (requests.length === 0) return undefined;
  const need = (): TokenNeed => needOf(call.request, account.inputSize.upperBound, mostOutput(call, config));
  return settled(rates.take(requests, need), (decision) => admitted(call, decision, decision.figures));
}

/** The same for an attempt: the limits of its target, the caller's and the provider's. */
export function paceAttempt(
  { parts, config, call, account, paced }: Forwarding,
  target: Target,
  request: ChatRequest,
): Paced | undefined | Promise<Paced> {
  const rules = rulesOf(config, call.caller, target);
  const others = paced?.figures ?? [];
  if (rules.length === 0) {
    // Another target's limit may have been told of before.
    if (splitRates(call.caller.rates).targets.length > 0) call.onRates?.(rateHeaders(others));
    return undefined;
  }
  const need = (): TokenNeed => needOf(request, account.inputSize.upperBound, target.facts.maxOutputTokens);
  return settled(parts.rates.take(rules, need), (decision) => {
    // What others use of a provider is not told.
    const own = decision.figures.filter((_, index) => rules[index]?.holder.kind !== "provider");
    return admitted(call, decision, [...others, ...own]);
  });
}

/** Says which targets no attempt should go to now, since a limit of the caller or of the provider is used up. */
export function limitedTargets(
  { rates }: Pick<ChatParts, "rates">,
  config: LiveConfig,
  caller: Pick<Principal, "rates">,
  inputTokens: () => number,
): ((request: ChatRequest, target: Target) => Unavailable | undefined) | undefined {
  const { targets } = splitRates(caller.rates);
  if (targets.length === 0 && config.providerRates === undefined) return undefined;
  return (request, target) => {
    const rules = rulesOf(config, caller, target);
    if (rules.length === 0) return undefined;
    const lack = rates.lacks(rules, () => needOf(request, inputTokens(), target.facts.maxOutputTokens));
    if (!lack) return undefined;
    return { rule: "rate", retryInMs: lack.retryInMs, why: `${lack.rule.text} is used up` };
  };
}

/** The tokens of usage, input and output, as limits count them. */
export function tokensOf(usage: Usage | undefined): number {
  if (!usage) return 0;
  const { inputTokens = 0, cacheReadTokens = 0, cacheWrites, toolPromptTokens = 0, outputTokens = 0 } = usage;
  const written = cacheWrites.reduce((sum, { tokens }) => sum + tokens, 0);
  return inputTokens + cacheReadTokens + written + toolPromptTokens + outputTokens + (usage.reasoningTokens ?? 0);
}

interface SplitRates {
  /** Limits that every request counts for. */
  readonly requests: readonly RateRule[];
  /** Limits that attempts at some targets count for. */
  readonly targets: readonly RateRule[];
}

const splits = new WeakMap<readonly RateRule[], SplitRates>();

function splitRates(rates: readonly RateRule[]): SplitRates {
  let split = splits.get(rates);
  if (!split) {
    split = {
      requests: rates.filter(({ countsModel }) => countsModel === undefined),
      targets: rates.filter(({ countsModel }) => countsModel !== undefined),
    };
    splits.set(rates, split);
  }
  return split;
}

const NONE: readonly RateRule[] = [];

function rulesOf({ providerRates }: LiveConfig, caller: Pick<Principal, "rates">, target: Target): readonly RateRule[] {
  const own = splitRates(caller.rates).targets;
  const provider = providerRates?.get(target.provider) ?? NONE;
  if (own.length === 0 && provider.length === 0) return NONE;
  return [...own, ...provider].filter(({ countsModel }) => countsModel?.(target.name) ?? true);
}

function needOf(request: ChatRequest, input: number, longest: number | undefined): TokenNeed {
  const { maxOutputTokens, candidates = 1 } = request.sampling ?? {};
  if (maxOutputTokens !== undefined) {
    const most = input + maxOutputTokens * candidates;
    return { most, atLeast: most };
  }
  const open = Math.min(longest ?? OPEN_OUTPUT_TOKENS, OPEN_OUTPUT_TOKENS);
  return { most: input + open * candidates, atLeast: input };
}

/** The longest answer of the models that the request's name stands for, and that its policies allow; undefined: not known. */
function mostOutput({ caller, request }: ChatCall, { models }: LiveConfig): number | undefined {
  const task = request.routing?.task;
  const resolution = task === undefined ? models.resolve(request.model) : models.resolveTask(task);
  let most = 0;
  for (const { facts } of resolution?.targets ?? []) {
    if (facts.maxOutputTokens === undefined) return caller.permits.maxOutputTokens;
    most = Math.max(most, facts.maxOutputTokens);
  }
  return most === 0 ? undefined : Math.min(most, caller.permits.maxOutputTokens ?? Infinity);
}

function settled<T>(
  decision: RateDecision | Promise<RateDecision>,
  use: (decision: RateDecision) => T,
): T | Promise<T> {
  return decision instanceof Promise ? decision.then(use) : use(decision);
}

/** Tells the caller how the limits stand, and throws where one is used up. */
function admitted(call: ChatCall, { refusal, end }: RateDecision, figures: readonly RateFigure[]): Paced {
  if (figures.length > 0) call.onRates?.(rateHeaders(figures));
  if (refusal) throw refusal;
  return { end, figures };
}
