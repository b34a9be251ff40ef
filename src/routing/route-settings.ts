import { Delivery, OnRefusal, Priority, type Constraints } from "../contract/index.ts";
import type { HedgeSettings } from "./hedge-budget.ts";

/** How the targets of a route may be ranked. */
export type RouteStrategy = "ordered" | "weighted" | "cheapest" | "fastest" | "balanced";

/** How the targets of a request may be ranked: as configured, or by throughput, which only a request asks for. */
export type Strategy = RouteStrategy | "throughput";

/** How a route or a task chooses among its targets, as configured. */
export interface RouteSettings {
  readonly strategy: RouteStrategy;
  readonly priority: Priority;
  readonly delivery: Delivery;
  readonly onRefusal: OnRefusal;
  /** What the strategy `balanced` weighs. */
  readonly weights: BalanceWeights;
  /** How long a conversation stays with the target that holds its prompt cache, in milliseconds; undefined: it does not. */
  readonly affinityMs: number | undefined;
  /** When a second target is asked beside the first; undefined: never. */
  readonly hedge?: HedgeSettings | undefined;
  /** What every target must satisfy for every request. */
  readonly constraints: Constraints | undefined;
  /** By the target's place in the route; a target beyond the end has the defaults. */
  readonly targets: readonly TargetSettings[];
}

/** How much each figure counts in the strategy `balanced`; only their proportions matter. */
export interface BalanceWeights {
  readonly cost: number;
  readonly latency: number;
  readonly quality: number;
}

/** What a route says about one of its targets. */
export interface TargetSettings {
  /** Its share under the strategy `weighted`, in proportion to the others'. */
  readonly weight: number;
  /** How good its answers are, from 0 to 1, as the operator judges; undefined: in the middle. */
  readonly quality: number | undefined;
  /** It is on trial: the percentage of requests that go there first, while all others leave it for last. */
  readonly canaryPercent: number | undefined;
  /** It serves nobody: the percentage of requests of which it gets a copy. */
  readonly shadowPercent?: number | undefined;
}

/** A target of which a route says nothing. */
const DEFAULT_TARGET_SETTINGS: TargetSettings = { weight: 1, quality: undefined, canaryPercent: undefined };

/** What holds where neither a route nor the defaults of the configuration say anything. */
export const DEFAULT_ROUTE_SETTINGS: RouteSettings = {
  strategy: "ordered",
  priority: Priority.INTERACTIVE,
  delivery: Delivery.COMMIT,
  onRefusal: OnRefusal.ANSWER,
  weights: { cost: 1, latency: 1, quality: 1 },
  affinityMs: undefined,
  constraints: undefined,
  targets: [],
};

/** What a route says about the target at `index`. */
export function settingsAt(settings: RouteSettings, index: number): TargetSettings {
  return settings.targets[index] ?? DEFAULT_TARGET_SETTINGS;
}
