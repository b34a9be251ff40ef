import { create } from "@bufbuild/protobuf";
import { ExclusionSchema, RankBy, type ChatRequest, type Exclusion } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import { brokenConstraint } from "./constraints.ts";
import type { ModelTable, Resolution } from "./model-table.ts";
import type { Target } from "./target.ts";

/** Where a request will go, in order. */
export interface Plan {
  /** Never empty. */
  readonly targets: readonly Target[];
  readonly maxAttempts: number;
}

/** A binding field that a target cannot honour; see `UnsupportedField` of the dialects. */
export interface Shortcoming {
  readonly field: string;
  readonly reason: string;
  readonly capability: boolean;
}

/** What planning asks of its surroundings. */
export interface PlanPorts {
  readonly allowsModel: (name: string) => boolean;
  readonly unsupported: (request: ChatRequest, target: Target) => readonly Shortcoming[];
}

const DEFAULT_ATTEMPTS = 3;

/**
 * Plans a request: resolves its names, drops what permissions, constraints or the request itself exclude, and orders
 * the rest. Throws `MODEL_NOT_FOUND`, `MODEL_NOT_ALLOWED`, `UNSUPPORTED_PARAMETER`, `UNSUPPORTED_CAPABILITY` or
 * `NO_ELIGIBLE_TARGET`, which say what excluded each candidate.
 */
export function plan(request: ChatRequest, models: ModelTable, ports: PlanPorts): Plan {
  const candidates = permitted(request, models, ports);
  const excluded = new Exclusions();
  const targets: Target[] = [];
  for (const target of candidates) {
    if (targets.some((one) => one.name === target.name)) continue;
    const constraint = brokenConstraint(target, request.routing?.constraints);
    if (constraint !== undefined) {
      excluded.add(constraint, target);
      continue;
    }
    const [shortcoming] = ports.unsupported(request, target);
    if (shortcoming) excluded.add(shortcoming.field, target, shortcoming);
    else targets.push(target);
  }
  if (targets.length === 0) throw excluded.error();
  const ordered = order(targets, request);
  const single = request.routing?.allowFallbacks === false;
  return {
    targets: single ? ordered.slice(0, 1) : ordered,
    maxAttempts: request.routing?.maxAttempts ?? DEFAULT_ATTEMPTS,
  };
}

/** The targets of the requested model and its fallbacks, in order, that the key may use. */
function permitted(request: ChatRequest, models: ModelTable, ports: PlanPorts): Target[] {
  const names = [request.model, ...(request.routing?.fallbackModels ?? [])];
  const targets: Target[] = [];
  for (const [index, name] of names.entries()) {
    const field = index === 0 ? "model" : `routing.fallback_models[${index - 1}]`;
    const resolution = resolve(name, field, models);
    const allowed = ports.allowsModel(resolution.name)
      ? resolution.targets
      : resolution.targets.filter((target) => ports.allowsModel(target.name));
    if (allowed.length === 0) {
      throw new ParleyError(
        "MODEL_NOT_ALLOWED",
        `Cannot use the model in ${field}: the key's policy does not allow it`,
        { field },
      );
    }
    targets.push(...allowed);
  }
  return targets;
}

/** What `name` stands for. Throws `MODEL_NOT_FOUND` with names that resemble it. */
export function resolve(name: string, field: string, models: ModelTable): Resolution {
  const resolution = models.resolve(name);
  if (resolution) return resolution;
  const similar = models.similar(name);
  const hint = similar.length > 0 ? `did you mean ${similar.join(" or ")}?` : "GET /v1/models lists what there is";
  throw new ParleyError(
    "MODEL_NOT_FOUND",
    `Cannot find the model ${JSON.stringify(name)}: no route, provider/model or catalogue id has this name; ${hint}`,
    { field },
  );
}

function order(targets: Target[], request: ChatRequest): Target[] {
  const preferred = request.routing?.providerOrder ?? [];
  if (preferred.length > 0) {
    const rank = (target: Target): number => {
      const at = preferred.indexOf(target.provider);
      return at < 0 ? preferred.length : at;
    };
    return targets.toSorted((a, b) => rank(a) - rank(b));
  }
  if (request.routing?.rankBy === RankBy.PRICE) return targets.toSorted((a, b) => priceOf(a) - priceOf(b));
  return targets;
}

/** Input and output price together, for ranking; unknown prices come last. */
function priceOf(target: Target): number {
  const entries = target.facts.prices?.entries ?? [];
  const highest = (unit: string): number =>
    Math.max(...entries.filter((one) => one.unit === unit).map((one) => one.nanoUsd));
  const price = highest("input") + highest("output");
  return Number.isFinite(price) ? price : Infinity;
}

/** Counts what excluded which target, and makes the error that says so. */
class Exclusions {
  readonly #byConstraint = new Map<string, Exclusion>();
  readonly #shortcomings: Shortcoming[] = [];
  #count = 0;

  add(constraint: string, target: Target, shortcoming?: Shortcoming): void {
    this.#count += 1;
    if (shortcoming) this.#shortcomings.push(shortcoming);
    const known = this.#byConstraint.get(constraint);
    if (known) known.count += 1;
    else this.#byConstraint.set(constraint, create(ExclusionSchema, { constraint, count: 1, example: target.name }));
  }

  error(): ParleyError {
    const exclusions = [...this.#byConstraint.values()];
    const [first] = this.#shortcomings;
    if (first && this.#shortcomings.length === this.#count) {
      const reason = this.#shortcomings.every((one) => one.capability)
        ? "UNSUPPORTED_CAPABILITY"
        : "UNSUPPORTED_PARAMETER";
      return new ParleyError(reason, `Cannot honour ${first.field}: ${first.reason}`, {
        field: first.field,
        exclusions,
      });
    }
    const counts = exclusions.map((one) => `${one.constraint} excludes ${one.count}`).join(", ");
    return new ParleyError("NO_ELIGIBLE_TARGET", `Cannot route the request: ${counts}`, {
      field: "routing.constraints",
      exclusions,
    });
  }
}
