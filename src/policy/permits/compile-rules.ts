import { compileBudgets } from "../budgets/compile-budgets.ts";
import { compileContent } from "../content/content-policy.ts";
import { compileGlobs } from "../glob.ts";
import { UNLIMITED, type Principal } from "../principal.ts";
import { compileRates } from "../rates/compile-rates.ts";
import { mergeConstraints } from "./merge-constraints.ts";
import { mergePermits } from "./merge-permits.ts";
import type { HeldPolicy, PolicyRules } from "./policy-rules.ts";

/** Whose requests a principal stands for. */
export interface KeyIdentity {
  /** Id of the key in books and logs; never the key itself. */
  readonly keyId: string;
  readonly name: string;
  readonly role: Principal["role"];
  readonly scopes: Principal["scopes"];
  readonly organisation?: string | undefined;
  /** With its organisation: `acme/search`. */
  readonly project?: string | undefined;
}

/**
 * A caller with all that its policies say, compiled: those of its organisation, its project and the key, in this order. All
 * hold together. Limits over time are each holder's own, so that a project's keys share the project's.
 */
export function compileRules(key: KeyIdentity, policies: readonly HeldPolicy[]): Principal {
  const { constraints, contradictions } = mergeConstraints(policies);
  return {
    ...UNLIMITED,
    keyId: key.keyId,
    name: key.name,
    role: key.role,
    scopes: key.scopes,
    organisation: key.organisation,
    project: key.project,
    allowsModel: allowedByAll(policies.map(({ rules }) => rules)),
    constraints,
    permits: mergePermits(policies, contradictions),
    content: compileContent(policies.flatMap(({ rules }) => rules.content ?? [])),
    budgets: policies.flatMap(({ holder, rules }) => compileBudgets(holder, rules.budgets ?? [])),
    // Refusing is the stricter of both, wherever a budget says so.
    onLowBudget: policies.some(({ rules }) => rules.budgets?.length && rules.onLowBudget !== "clamp")
      ? "refuse"
      : "clamp",
    whenExceeded: policies.findLast(({ rules }) => rules.whenExceeded !== undefined)?.rules.whenExceeded,
    rates: policies.flatMap(({ holder, rules }) => compileRates({ holder, policy: rules.name }, rules.rates ?? [])),
  };
}

function allowedByAll(rules: readonly PolicyRules[]): (name: string) => boolean {
  const tests = rules.flatMap((one) => (forbidsNoModel(one) ? [] : [compileAllowed(one)]));
  const [only] = tests;
  if (!only) return () => true;
  return tests.length === 1 ? only : (name) => tests.every((test) => test(name));
}

function forbidsNoModel({ allowModels, denyModels = [] }: PolicyRules): boolean {
  return allowModels.includes("*") && denyModels.length === 0;
}

/** Whether a policy alone allows a model, route or `provider/model`. */
export function compileAllowed({ allowModels, denyModels = [] }: PolicyRules): (name: string) => boolean {
  const allowed = compileGlobs(allowModels);
  if (denyModels.length === 0) return allowed;
  const denied = compileGlobs(denyModels);
  return (name) => allowed(name) && !denied(name);
}
