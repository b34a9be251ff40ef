import { create } from "@bufbuild/protobuf";
import { ConstraintsSchema, RoutingSchema, type ChatRequest } from "../contract/index.ts";
import type { Candidate } from "./candidate.ts";
import { Surveyed, type PlanPorts, type Surroundings } from "./candidates.ts";
import { activeConstraints, brokenConstraint, type ActiveConstraint, type ConstraintSource } from "./constraints.ts";
import { WINDOW_RULE, type Shortcoming } from "./exclusions.ts";
import type { Resolution } from "./model-table.ts";
import { settingsAt } from "./route-settings.ts";
import type { Target } from "./target.ts";
import { BUDGET_RULE } from "./worst-case.ts";

/** A target that gets copies of requests. */
export interface Shadow {
  readonly target: Target;
  /** Of how many requests, in per cent. */
  readonly percent: number;
}

const SERVES_NOBODY = { rule: "route.targets.shadow", why: "it gets copies of requests, and serves nobody" };

/** What became of every target that a request's names stand for. */
export interface Examined {
  readonly candidates: Surveyed[];
  readonly shortcomings: Map<Candidate, Shortcoming>;
  /** Targets of the requested model that get copies of it, and satisfy all it demands. */
  readonly shadows: Shadow[];
  /** The field whose model the key may not use; undefined: it may use something of each. */
  readonly forbidden: string | undefined;
}

/** Looks at every target that the names stand for, each once, and says what excludes it. */
export function examine(resolutions: readonly Resolution[], around: Surroundings): Examined {
  const { request, ports } = around;
  const candidates: Surveyed[] = [];
  const shortcomings = new Map<Candidate, Shortcoming>();
  const shadows: Shadow[] = [];
  const seen = resolutions.length > 1 ? new Set<string>() : undefined;
  let forbidden: string | undefined;
  for (const [tier, resolution] of resolutions.entries()) {
    const sources = sourcesOf(request, resolution, ports);
    const active = activeConstraints(sources);
    const strict = sources.some(({ constraints }) => constraints.requireParameters === true);
    const asked = strict ? withRequiredParameters(request) : request;
    const allowsAll = ports.allowsModel(resolution.name);
    let allowsSome = allowsAll;
    for (const [index, target] of resolution.targets.entries()) {
      const allowed = allowsAll || ports.allowsModel(target.name);
      allowsSome ||= allowed;
      if (seen?.has(target.name) === true) continue;
      seen?.add(target.name);
      const one = new Surveyed(target, tier, settingsAt(resolution.settings, index), around);
      candidates.push(one);
      if (!allowed) one.exclusion = { rule: "key.allow_models", why: "the key's policy does not allow it" };
      else exclude(one, active, asked, around, shortcomings);
      const percent = one.settings.shadowPercent;
      if (percent === undefined || one.exclusion) continue;
      one.exclusion = SERVES_NOBODY;
      if (tier === 0) shadows.push({ target, percent });
    }
    if (!allowsSome) forbidden ??= tier === 0 ? "model" : `routing.fallback_models[${tier - 1}]`;
  }
  return { candidates, shortcomings, shadows, forbidden };
}

function exclude(
  one: Surveyed,
  active: readonly ActiveConstraint[],
  asked: ChatRequest,
  around: Surroundings,
  shortcomings: Map<Candidate, Shortcoming>,
): void {
  const { target } = one;
  if (active.length > 0) {
    one.exclusion = brokenConstraint(target, active, () => one.statistics);
    if (one.exclusion) return;
  }
  one.exclusion = around.ports.forbids?.(asked, target);
  if (one.exclusion) return;
  const [shortcoming] = around.ports.unsupported(asked, target);
  if (shortcoming) {
    shortcomings.set(one, shortcoming);
    one.exclusion = { rule: shortcoming.field, why: shortcoming.reason };
  } else if (exceedsWindow(target, around)) {
    one.exclusion = { rule: WINDOW_RULE, why: "the input and the output limit together exceed its window" };
  } else {
    const why = around.ports.unboundedCost?.(asked, target);
    if (why !== undefined) one.exclusion = { rule: BUDGET_RULE, why };
  }
}

function sourcesOf(request: ChatRequest, { rule, settings }: Resolution, ports: PlanPorts): ConstraintSource[] {
  const sources: ConstraintSource[] = [];
  const own = request.routing?.constraints;
  if (own) sources.push({ origin: "routing.constraints", constraints: own });
  if (ports.keyConstraints) sources.push({ origin: "key", constraints: ports.keyConstraints });
  const origin = rule === "task" ? "task.constraints" : "route.constraints";
  if (settings.constraints) sources.push({ origin, constraints: settings.constraints });
  return sources;
}

// The dialects read it from the request; a route or a key may demand it too.
function withRequiredParameters(request: ChatRequest): ChatRequest {
  const { routing } = request;
  if (routing?.constraints?.requireParameters === true) return request;
  const constraints = { ...(routing?.constraints ?? create(ConstraintsSchema)), requireParameters: true };
  return { ...request, routing: { ...(routing ?? create(RoutingSchema)), constraints } };
}

/**
 * Whether a request surely does not fit the target's window: what is in doubt is sent, since the provider knows better.
 */
export function exceedsWindow({ facts }: Target, around: Surroundings): boolean {
  if (facts.contextTokens === undefined) return false;
  const { input } = around;
  return input !== undefined && input.least + (around.request.sampling?.maxOutputTokens ?? 0) > facts.contextTokens;
}
