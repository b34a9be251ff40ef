import { create } from "@bufbuild/protobuf";
import { ConstraintsSchema, Delivery, OnRefusal, Priority, type Constraints } from "../contract/index.ts";
import type { RouteConfig, RouteDefaults, RouteTargetConfig } from "./config.ts";
import type { RouteData } from "./schema-routes.ts";
import type { FileData } from "./schema.ts";

const DELIVERY: Readonly<Record<string, Delivery>> = {
  commit: Delivery.COMMIT,
  auto: Delivery.AUTO,
  restartable: Delivery.RESTARTABLE,
  hold: Delivery.HOLD,
};
const PRIORITY = { interactive: Priority.INTERACTIVE, batch: Priority.BATCH } as const;
const ON_REFUSAL = { answer: OnRefusal.ANSWER, next_target: OnRefusal.NEXT_TARGET } as const;

/** What holds where the file says nothing. */
export const DEFAULT_ROUTE: RouteDefaults = {
  strategy: "ordered",
  priority: Priority.INTERACTIVE,
  delivery: Delivery.COMMIT,
};

/** What the file says about routing in general, over the defaults. */
export function buildRouteDefaults({ defaults }: FileData): RouteDefaults {
  return {
    strategy: defaults?.strategy ?? DEFAULT_ROUTE.strategy,
    priority: PRIORITY[defaults?.priority ?? "interactive"],
    delivery: deliveryOf(defaults?.delivery) ?? DEFAULT_ROUTE.delivery,
  };
}

function deliveryOf(word: string | undefined): Delivery | undefined {
  return word === undefined ? undefined : DELIVERY[word];
}

/** The routes, or the tasks, of the file, in its order. */
export function buildRoutes(data: FileData["routes"], defaults: RouteDefaults): RouteConfig[] {
  return Object.entries(data ?? {}).map(([name, route]) => ({
    ...routeOf(name, route.targets.map(targetOf), defaults),
    ...(route.strategy ? { strategy: route.strategy } : {}),
    ...(route.priority ? { priority: PRIORITY[route.priority] } : {}),
    delivery: deliveryOf(route.delivery) ?? defaults.delivery,
    onRefusal: ON_REFUSAL[route.on_refusal ?? "answer"],
    weights: {
      cost: route.weights?.cost ?? 1,
      latency: route.weights?.latency ?? 1,
      quality: route.weights?.quality ?? 1,
    },
    affinityMs: route.affinity,
    hedge: route.hedge && { after: route.hedge.after, maxPercent: route.hedge.max_percent ?? 5 },
    constraints: route.constraints && buildConstraints(route.constraints),
  }));
}

/** A route that says nothing but its targets. */
export function routeOf(
  name: string,
  targets: readonly RouteTargetConfig[],
  defaults: RouteDefaults = DEFAULT_ROUTE,
): RouteConfig {
  return {
    name,
    targets,
    ...defaults,
    onRefusal: OnRefusal.ANSWER,
    weights: { cost: 1, latency: 1, quality: 1 },
    affinityMs: undefined,
    hedge: undefined,
    constraints: undefined,
  };
}

/** A target of a route as the file has it: its name, or a map with it. */
export function targetOf(data: RouteData["targets"][number]): RouteTargetConfig {
  const { target, weight, quality, canary, shadow } = typeof data === "string" ? { target: data } : data;
  return { target, weight: weight ?? 1, quality, canaryPercent: canary, shadowPercent: shadow };
}

/** Constraints as the contract has them. */
export function buildConstraints(data: NonNullable<RouteData["constraints"]>): Constraints {
  const { input, output } = data.max_price ?? {};
  return create(ConstraintsSchema, {
    allowProviders: data.allow_providers ?? [],
    denyProviders: data.deny_providers ?? [],
    regions: data.regions ?? [],
    requiredCapabilities: data.required_capabilities ?? [],
    ...(data.zero_retention === undefined ? {} : { zeroRetention: data.zero_retention }),
    ...(data.no_training === undefined ? {} : { noTraining: data.no_training }),
    ...(input === undefined ? {} : { maxInputNanoUsdPerMillionTokens: BigInt(input) }),
    ...(output === undefined ? {} : { maxOutputNanoUsdPerMillionTokens: BigInt(output) }),
    ...(data.max_first_content_p95 === undefined ? {} : { maxFirstContentP95Ms: data.max_first_content_p95 }),
    ...(data.require_parameters === undefined ? {} : { requireParameters: data.require_parameters }),
  });
}
