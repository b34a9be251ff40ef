import type { TargetStatistics, Unavailable } from "./live.ts";
import type { BalanceWeights, Strategy, TargetSettings } from "./route-settings.ts";
import type { Target } from "./target.ts";

/** A target that may serve the request, with what ranking looks at. */
export interface Contender {
  readonly target: Target;
  readonly settings: TargetSettings;
  /** Which of the request's names it stands for: 0 the model, then its fallbacks. */
  readonly tier: number;
  readonly unavailable: Unavailable | undefined;
  /** See `LiveTargets.share`. */
  readonly share: number;
  /** About what the request costs there, in nano-USD; undefined: not known. */
  readonly costNanoUsd: number | undefined;
  /** Of calls like this one. */
  readonly statistics: TargetStatistics;
  /** Of calls for which somebody waits, by their kind; unset: these are. */
  readonly interactive?: readonly TargetStatistics[];
}

/** What the order is to be. */
export interface Ranking {
  readonly strategy: Strategy;
  readonly weights: BalanceWeights;
  /** Nobody waits for the answer. */
  readonly batch: boolean;
  /** Whether fallbacks are ranked among the model's own targets, and not after them. */
  readonly acrossTiers: boolean;
  /** Providers that go first, in order. */
  readonly providerOrder: readonly string[];
  /** Name of the target that holds the conversation's prompt cache. */
  readonly pinned: string | undefined;
  /** A percentage from 0 to 100 (exclusive), the same whenever the request is ranked. */
  readonly canaryDraw: number;
  /** A number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
}

/** The order of some contenders, by their indexes, and what each was ranked by. */
export interface Order {
  readonly indexes: readonly number[];
  /** By contender, least first; undefined: by the configured order. */
  readonly scores: readonly (number | undefined)[];
}

/** The share of requests that try a target of which nothing is known, where the strategy looks at statistics. */
export const EXPLORED_SHARE = 0.05;

/** How many calls may run at a target of which nothing is known before it is explored no further. */
const MAX_EXPLORERS = 2;

// Places within a tier; lower goes first.
const CANARY_DRAWN = 0;
const PINNED = 1;
const EXPLORED = 2;
const READY = 3;
const SUFFERING = 4;
const CANARY_LEFT = 5;

// Bounds of what is packed into one number for comparing: above the contract's own limits of names.
const MAX_TIERS = 32;
const MAX_PREFERENCES = 128;
const MAX_PLACES = 8;

// Places above all tiers: a fallback that works goes before a model that does not.
const AVAILABLE = 0;
const RECOVERING = 1;
const UNAVAILABLE: Readonly<Record<Unavailable["rule"], number>> = {
  outlier: 2,
  breaker: 3,
  cooling: 4,
  quarantine: 5,
  // What is limited is surely refused.
  rate: 6,
};

/**
 * Orders the targets that may serve a request. Pure but for `random`. Nothing is left out: what is unavailable goes last,
 * what has just recovered goes after the others as often as its share leaves over.
 */
export function rank(contenders: readonly Contender[], ranking: Ranking): Order {
  const availability = contenders.map((one) => availabilityOf(one, ranking.random));
  const avoided = ranking.batch
    ? contenders.map((one) => (one.interactive ?? [one.statistics]).some(suffers))
    : undefined;
  const fleeing = avoided?.includes(true) === true;
  const scores = fleeing ? contenders.map(batchScore) : scoresOf(contenders, ranking);
  const places = placesOf(contenders, ranking, availability, fleeing ? avoided : undefined);
  const groups = contenders.map((one, index) => {
    const tier = ranking.acrossTiers ? 0 : one.tier;
    const group = (availability[index]! * MAX_TIERS + tier) * MAX_PREFERENCES;
    return (group + preferenceOf(one.target, ranking.providerOrder)) * MAX_PLACES + places[index]!;
  });
  // What has no score comes after what has one.
  const keys = Float64Array.from(scores, (score) => score ?? Infinity);
  const indexes = contenders.map((_, index) => index);
  indexes.sort((a, b) => groups[a]! - groups[b]! || keys[a]! - keys[b]! || a - b);
  return { indexes, scores };
}

function availabilityOf({ unavailable, share }: Contender, random: () => number): number {
  if (unavailable) return UNAVAILABLE[unavailable.rule];
  return share < 1 && random() >= share ? RECOVERING : AVAILABLE;
}

function preferenceOf(target: Target, providerOrder: readonly string[]): number {
  const at = providerOrder.indexOf(target.provider);
  return at < 0 ? providerOrder.length : at;
}

function placesOf(
  contenders: readonly Contender[],
  ranking: Ranking,
  availability: readonly number[],
  avoided: readonly boolean[] | undefined,
): number[] {
  const places = contenders.map(({ target }, index) => {
    if (target.name === ranking.pinned) return PINNED;
    return avoided?.[index] === true ? SUFFERING : READY;
  });
  drawCanary(contenders, ranking.canaryDraw, places);
  if (ranking.strategy === "fastest" || ranking.strategy === "balanced") {
    explore(contenders, ranking, availability, places);
  }
  return places;
}

/** Each canary has its own part of the percentages: the draw falls into one of them or into none. */
function drawCanary(contenders: readonly Contender[], draw: number, places: number[]): void {
  let from = 0;
  for (const [index, { settings }] of contenders.entries()) {
    const percent = settings.canaryPercent;
    if (percent === undefined) continue;
    places[index] = draw >= from && draw < from + percent ? CANARY_DRAWN : CANARY_LEFT;
    from += percent;
  }
}

/** Now and then sends a request where nothing is known, so that a target can prove itself, and never many at once. */
function explore(
  contenders: readonly Contender[],
  { random }: Ranking,
  availability: readonly number[],
  places: number[],
): void {
  const unknown = places.flatMap((place, index) =>
    place === READY && availability[index] === AVAILABLE && isUnknown(contenders[index]!) ? [index] : [],
  );
  if (unknown.length === 0 || random() >= EXPLORED_SHARE) return;
  const chosen = unknown[Math.floor(random() * unknown.length)];
  if (chosen !== undefined) places[chosen] = EXPLORED;
}

function isUnknown({ statistics }: Contender): boolean {
  return statistics.firstContentMs === undefined && statistics.running < MAX_EXPLORERS;
}

/** Whether a target's callers wait longer than is usual there, or its provider has nothing left to give. */
export function suffers({ firstContentMs, usualFirstContentP95Ms: usual, headroom }: TargetStatistics): boolean {
  if (headroom?.remainingRequests === 0 || headroom?.remainingTokens === 0) return true;
  if (!firstContentMs || usual === undefined) return false;
  return firstContentMs.p95 > usual * 1.5 && firstContentMs.p95 > usual + 250;
}

// More than any request costs, for targets whose price nobody knows.
const UNKNOWN_COST_NANO_USD = 1e12;

// Cheapest first; of those that cost the same, the idlest: a running call counts like a thousandth of a nano-USD.
function batchScore({ costNanoUsd, statistics }: Contender): number {
  return (costNanoUsd ?? UNKNOWN_COST_NANO_USD) + statistics.running / 1_000;
}

function scoresOf(contenders: readonly Contender[], ranking: Ranking): (number | undefined)[] {
  switch (ranking.strategy) {
    case "ordered":
      return contenders.map(() => undefined);
    case "weighted":
      return contenders.map(({ settings }) => weightedScore(settings.weight, ranking.random));
    case "cheapest":
      return contenders.map((one) => one.costNanoUsd);
    case "fastest":
      return contenders.map((one) => one.statistics.firstContentMs?.p95);
    case "throughput":
      return contenders.map(({ statistics }) => negated(statistics.outputTokensPerSecond?.p50));
    case "balanced":
      return balancedScores(contenders, ranking.weights);
    default:
      return ranking.strategy satisfies never;
  }
}

// A race of waiting times: who is first is drawn by weight, and so is who is next among the others.
function weightedScore(weight: number, random: () => number): number | undefined {
  return weight > 0 ? -Math.log(1 - random()) / weight : undefined;
}

function negated(value: number | undefined): number | undefined {
  return value === undefined ? undefined : -value;
}

/**
 * Cost and tail latency in proportion to the greatest among the contenders, and what is missing to full quality, each by
 * its weight. What is not known counts as the worst that is; quality as the middle.
 */
function balancedScores(contenders: readonly Contender[], weights: BalanceWeights): number[] {
  let greatestCost = 0;
  let greatestLatency = 0;
  for (const { costNanoUsd, statistics } of contenders) {
    greatestCost = Math.max(greatestCost, costNanoUsd ?? 0);
    greatestLatency = Math.max(greatestLatency, statistics.firstContentMs?.p95 ?? 0);
  }
  return contenders.map(({ costNanoUsd, statistics, settings }) => {
    const cost = inProportion(costNanoUsd, greatestCost);
    const latency = inProportion(statistics.firstContentMs?.p95, greatestLatency);
    return weights.cost * cost + weights.latency * latency + weights.quality * (1 - (settings.quality ?? 0.5));
  });
}

function inProportion(value: number | undefined, greatest: number): number {
  if (value === undefined) return 1;
  return greatest > 0 ? value / greatest : 0;
}
