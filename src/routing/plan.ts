import { OnRefusal, Priority, RankBy, type ChatRequest, type Delivery } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import { conversationKey, type ConversationKey } from "./affinity.ts";
import type { Candidate } from "./candidate.ts";
import { Surroundings, Surveyed, type PlanPorts } from "./candidates.ts";
import { examine, exceedsWindow, type Shadow } from "./examine.ts";
import { nothingLeft } from "./exclusions.ts";
import type { HedgeSettings } from "./hedge-budget.ts";
import type { Unavailable } from "./live.ts";
import type { ModelTable, Resolution, ResolutionRule } from "./model-table.ts";
import { rank } from "./rank.ts";
import { resolveNames } from "./resolve.ts";
import { settingsAt, type RouteSettings, type Strategy } from "./route-settings.ts";
import type { Target } from "./target.ts";

/** Where a request will go, in order, and why. */
export interface Plan {
  /** Never empty. */
  readonly targets: readonly Target[];
  readonly maxAttempts: number;
  /** Every target that the request's names stand for, those that may not serve it included. */
  readonly candidates: readonly Candidate[];
  /** How the requested model was resolved. */
  readonly resolutionRule: ResolutionRule;
  readonly strategy: Strategy;
  readonly priority: Priority;
  /** From the request, else its route, else the defaults; never unspecified. */
  readonly delivery: Delivery;
  readonly onRefusal: "answer" | "next_target";
  /** When a second target is asked beside the first; undefined: never. */
  readonly hedge: HedgeSettings | undefined;
  /** Targets that may get a copy of the request. */
  readonly shadows: readonly Shadow[];
  /** What affinity knows the conversation by, where its route keeps conversations together. */
  readonly conversation: ConversationKey | undefined;
}

/** A plan that may be empty: then `error` says why, and `targets` is empty. */
export interface Survey extends Plan {
  readonly error: ParleyError | undefined;
}

export type { PlanPorts } from "./candidates.ts";

const DEFAULT_ATTEMPTS = 3;

/**
 * Plans a request: resolves its names, drops what permissions, constraints or the request itself exclude, and orders
 * the rest. Throws `MODEL_NOT_FOUND`, `MODEL_NOT_ALLOWED`, `UNSUPPORTED_PARAMETER`, `UNSUPPORTED_CAPABILITY`,
 * `CONTEXT_TOO_LONG` or `NO_ELIGIBLE_TARGET`, which say what excluded each candidate.
 */
export function plan(request: ChatRequest, models: ModelTable, ports: PlanPorts): Plan {
  const resolutions = resolveNames(request, models);
  const sole = solePlan(request, resolutions, ports);
  if (sole) return sole;
  const surveyed = surveyOf(request, resolutions, ports);
  if (surveyed.error) throw surveyed.error;
  return surveyed;
}

/**
 * The same, but a request that nothing can serve is told and not thrown, for those who want to see why. Throws only
 * where a name stands for nothing.
 */
export function survey(request: ChatRequest, models: ModelTable, ports: PlanPorts): Survey {
  return surveyOf(request, resolveNames(request, models), ports);
}

/** What a request decides about its plan besides the targets. */
function decisions(request: ChatRequest, { rule, settings }: Resolution) {
  const { routing } = request;
  const onRefusal = request.onRefusal || settings.onRefusal;
  return {
    maxAttempts: routing?.maxAttempts ?? DEFAULT_ATTEMPTS,
    resolutionRule: rule,
    strategy: STRATEGY_OF[routing?.rankBy ?? RankBy.UNSPECIFIED] ?? settings.strategy,
    priority: (routing?.priority ?? Priority.UNSPECIFIED) || settings.priority,
    delivery: request.delivery || settings.delivery,
    onRefusal: onRefusal === OnRefusal.NEXT_TARGET ? ("next_target" as const) : ("answer" as const),
    hedge: settings.hedge,
  };
}

const STRATEGY_OF: Readonly<Record<RankBy, Strategy | undefined>> = {
  [RankBy.UNSPECIFIED]: undefined,
  [RankBy.PRICE]: "cheapest",
  [RankBy.THROUGHPUT]: "throughput",
  [RankBy.LATENCY]: "fastest",
};

/** The plan of a request with one target and nothing to choose by, which most are; undefined: look closely. */
function solePlan(request: ChatRequest, resolutions: readonly Resolution[], ports: PlanPorts): Plan | undefined {
  const [resolution] = resolutions;
  const [target] = resolution?.targets ?? [];
  if (!resolution || !target || resolutions.length > 1 || resolution.targets.length > 1) return undefined;
  if (request.routing?.constraints || ports.keyConstraints || resolution.settings.constraints) return undefined;
  if (!ports.allowsModel(resolution.name) && !ports.allowsModel(target.name)) return undefined;
  const decided = decisions(request, resolution);
  const around = new Surroundings(request, ports, decided.priority);
  if (ports.forbids?.(request, target) !== undefined) return undefined;
  if (ports.unsupported(request, target).length > 0 || exceedsWindow(target, around)) return undefined;
  if (ports.unboundedCost?.(request, target) !== undefined) return undefined;
  let candidates: readonly Candidate[] | undefined;
  return {
    ...decided,
    targets: [target],
    shadows: [],
    conversation: undefined,
    // Only Explain and traces look at it.
    get candidates() {
      if (candidates) return candidates;
      const only = new Surveyed(target, 0, settingsAt(resolution.settings, 0), around);
      only.rank = 1;
      only.unavailable = lastResort(around.unavailable(target));
      return (candidates = [only]);
    },
  };
}

function surveyOf(request: ChatRequest, resolutions: readonly Resolution[], ports: PlanPorts): Survey {
  const [first] = resolutions;
  if (!first) throw new RangeError("Cannot plan: the request names no model");
  const decided = decisions(request, first);
  const around = new Surroundings(request, ports, decided.priority);
  const { candidates, shortcomings, shadows, forbidden } = examine(resolutions, around);
  const eligible = candidates.filter((one) => one.exclusion === undefined);
  const conversation = conversationOf(first.settings, around);
  const nobody = { ...decided, targets: [], shadows: [], candidates, conversation };
  if (forbidden !== undefined) return { ...nobody, error: notAllowed(forbidden) };
  if (eligible.length === 0) return { ...nobody, error: nothingLeft(candidates, shortcomings) };
  for (const one of eligible) {
    one.unavailable = around.unavailable(one.target);
    if (eligible.length === 1) one.unavailable = lastResort(one.unavailable);
  }
  const explicit = (request.routing?.rankBy ?? RankBy.UNSPECIFIED) !== RankBy.UNSPECIFIED;
  const order = rank(eligible, {
    strategy: decided.strategy,
    weights: first.settings.weights,
    batch: decided.priority === Priority.BATCH,
    acrossTiers: explicit,
    providerOrder: request.routing?.providerOrder ?? [],
    pinned: conversation && !explicit ? ports.affinity?.recall(conversation) : undefined,
    canaryDraw: canaryDraw(ports.requestId),
    random: ports.random ?? (() => 0.5),
  });
  const ordered = order.indexes.map((index, place) => {
    const one = eligible[index]!;
    one.rank = place + 1;
    one.score = order.scores[index];
    return one;
  });
  if (request.routing?.allowFallbacks === false) keepFirst(ordered);
  const targets = ordered.map((one) => one.target);
  return { ...decided, targets, shadows, candidates, conversation, error: undefined };
}

// Where there is nothing else, some failures are better than no answer.
function lastResort(unavailable: Unavailable | undefined): Unavailable | undefined {
  return unavailable?.onlyBesideOthers === true ? undefined : unavailable;
}

// The others keep their place in the list of candidates, and say why they are not tried.
function keepFirst(ordered: Surveyed[]): void {
  for (const one of ordered.splice(1)) {
    one.rank = undefined;
    one.exclusion = { rule: "routing.allow_fallbacks", why: "the request allows no target beyond the first" };
  }
}

function conversationOf({ affinityMs }: RouteSettings, around: Surroundings): ConversationKey | undefined {
  const { ports, request, input } = around;
  if (affinityMs === undefined || !ports.affinity) return undefined;
  return conversationKey(request, ports.tenant ?? "", affinityMs, input?.likely ?? 0);
}

/** A percentage that depends on nothing but the request's id: FNV-1a, which spreads ids that differ in their last digit. */
function canaryDraw(requestId = ""): number {
  let digest = 0x811c9dc5;
  for (let index = 0; index < requestId.length; index++) {
    digest = Math.imul(digest ^ requestId.charCodeAt(index), 0x01000193);
  }
  return (mixed(digest) / 2 ** 32) * 100;
}

// Ids that only count up differ in few bits: the last step spreads them over all.
function mixed(digest: number): number {
  let bits = Math.imul(digest ^ (digest >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

function notAllowed(field: string): ParleyError {
  return new ParleyError("MODEL_NOT_ALLOWED", `Cannot use the model in ${field}: the key's policy does not allow it`, {
    field,
  });
}
