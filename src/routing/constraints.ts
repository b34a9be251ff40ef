import type { PriceEntry } from "../catalog/facts.ts";
import { CAPABILITIES, type Capability } from "../catalog/facts.ts";
import { Support, type Constraints } from "../contract/index.ts";
import type { CandidateExclusion } from "./candidate.ts";
import type { TargetStatistics } from "./live.ts";
import type { Target } from "./target.ts";

/** Who demands something of every target; the exclusion names the constraint as that party wrote it. */
export interface ConstraintSource {
  /** What precedes the constraint's name: `routing.constraints` of the request, `key`, or `route`. */
  readonly origin: string;
  readonly constraints: Constraints;
}

/** The demand of one constraint that is set. */
export interface ActiveConstraint {
  readonly rule: string;
  /** Why a target that breaks it may not serve. */
  readonly why: string;
  readonly satisfied: (target: Target, statistics: () => TargetStatistics | undefined) => boolean;
}

/**
 * The constraints that are set, of everyone who has a say. Worked out once for a request: most set none or few, and a
 * request may have hundreds of candidates.
 */
export function activeConstraints(sources: readonly ConstraintSource[]): ActiveConstraint[] {
  const active: ActiveConstraint[] = [];
  for (const { origin, constraints } of sources) {
    for (const { field, why, demand } of RULES) {
      const satisfied = demand(constraints);
      if (satisfied) active.push({ rule: `${origin}.${field}`, why, satisfied });
    }
  }
  return active;
}

/** The first constraint that `target` breaks; undefined: it satisfies them all. An unknown fact satisfies nothing. */
export function brokenConstraint(
  target: Target,
  active: readonly ActiveConstraint[],
  statistics: () => TargetStatistics | undefined,
): CandidateExclusion | undefined {
  for (const one of active) if (!one.satisfied(target, statistics)) return { rule: one.rule, why: one.why };
  return undefined;
}

type Satisfied = ActiveConstraint["satisfied"];

interface Rule {
  readonly field: string;
  readonly why: string;
  /** What the constraints demand, or undefined where they do not set this one. */
  readonly demand: (constraints: Constraints) => Satisfied | undefined;
}

const RULES: readonly Rule[] = [
  {
    field: "allow_providers",
    why: "its provider is not among those allowed",
    demand: ({ allowProviders: allowed }) =>
      allowed.length === 0 ? undefined : (target) => allowed.includes(target.provider),
  },
  {
    field: "deny_providers",
    why: "its provider is denied",
    demand: ({ denyProviders: denied }) =>
      denied.length === 0 ? undefined : (target) => !denied.includes(target.provider),
  },
  {
    field: "regions",
    why: "its region is another one or unknown",
    demand: ({ regions }) =>
      regions.length === 0 ? undefined : (target) => target.region !== undefined && regions.includes(target.region),
  },
  {
    field: "zero_retention",
    why: "it keeps requests, or may",
    demand: ({ zeroRetention }) =>
      zeroRetention === true ? (target) => target.facts.dataPolicy?.retains === false : undefined,
  },
  {
    field: "no_training",
    why: "it trains on requests, or may",
    demand: ({ noTraining }) =>
      noTraining === true ? (target) => target.facts.dataPolicy?.trains === false : undefined,
  },
  {
    field: "max_input_nano_usd_per_million_tokens",
    why: "its price of input is higher or unknown",
    demand: ({ maxInputNanoUsdPerMillionTokens: limit }) => priceDemand("input", limit),
  },
  {
    field: "max_output_nano_usd_per_million_tokens",
    why: "its price of output is higher or unknown",
    demand: ({ maxOutputNanoUsdPerMillionTokens: limit }) => priceDemand("output", limit),
  },
  {
    field: "required_capabilities",
    why: "it lacks a required capability, or may",
    demand: ({ requiredCapabilities: names }) =>
      names.length === 0 ? undefined : (target) => names.every((name) => has(target, name)),
  },
  {
    field: "max_first_content_p95_ms",
    why: "its first content comes later of late, or too few calls tell",
    demand: ({ maxFirstContentP95Ms: limit }) =>
      limit === undefined ? undefined : (_, statistics) => (firstContentP95Ms(statistics()) ?? Infinity) <= limit,
  },
];

// A target that has rested is judged by what is usual for it: else nothing would ever be sent there again.
function firstContentP95Ms(statistics: TargetStatistics | undefined): number | undefined {
  return statistics?.firstContentMs?.p95 ?? statistics?.usualFirstContentP95Ms;
}

// The dearest price that may apply counts: tiers by input size or service tier are not known in advance.
function priceDemand(unit: string, limit: bigint | undefined): Satisfied | undefined {
  if (limit === undefined) return undefined;
  const withinLimit = (entry: PriceEntry): boolean => entry.unit !== unit || BigInt(entry.nanoUsd) <= limit;
  return ({ facts }) => {
    const entries = facts.prices?.entries ?? [];
    return entries.some((entry) => entry.unit === unit) && entries.every(withinLimit);
  };
}

function has(target: Target, name: string): boolean {
  if (!isCapability(name)) return false;
  const support = target.facts.capabilities[name];
  return support === Support.NATIVE || support === Support.EMULATED;
}

function isCapability(name: string): name is Capability {
  return (CAPABILITIES as readonly string[]).includes(name);
}
