import { create } from "@bufbuild/protobuf";
import { ConstraintsSchema, type Constraints } from "../../contract/index.ts";
import { policyText, type PolicyOf } from "../holder.ts";
import type { HeldPolicy } from "./policy-rules.ts";

/** What all the policies demand of targets together. */
export interface MergedConstraints {
  /** Undefined: none demands anything. */
  readonly constraints: Constraints | undefined;
  /** Whose policies have decided each field, by its name in the contract. */
  readonly decidedBy: ReadonlyMap<keyof Constraints, readonly PolicyOf[]>;
  /** Lists that have nothing in common, each as a sentence. */
  readonly contradictions: readonly string[];
}

/** Stands in a list that allows nothing, since an empty one would allow everything. No name has spaces. */
const NOTHING = "nothing in common";

// How each field of constraints is merged. A field without a row does not compile.
const MERGE: { readonly [K in keyof Omit<Constraints, "$typeName" | "$unknown">]-?: Merge } = {
  allowProviders: "intersection",
  denyProviders: "union",
  regions: "intersection",
  zeroRetention: "any",
  noTraining: "any",
  maxInputNanoUsdPerMillionTokens: "least",
  maxOutputNanoUsdPerMillionTokens: "least",
  requiredCapabilities: "union",
  requireParameters: "any",
  maxFirstContentP95Ms: "least",
};

type Merge = "intersection" | "union" | "any" | "least";
type Value = readonly string[] | boolean | bigint | number | undefined;
type Field = keyof typeof MERGE;

/** The demands of all the policies as one: a target that satisfies it satisfies each. */
export function mergeConstraints(policies: readonly HeldPolicy[]): MergedConstraints {
  const stated = policies.flatMap(({ holder, rules }) =>
    rules.constraints ? [{ by: { holder, policy: rules.name }, constraints: rules.constraints }] : [],
  );
  const decidedBy = new Map<Field, readonly PolicyOf[]>();
  const contradictions: string[] = [];
  const merged: Record<string, unknown> = {};
  for (const field of Object.keys(MERGE) as Field[]) {
    const merge = MERGE[field];
    let value: Value;
    let owners: PolicyOf[] = [];
    for (const { by, constraints } of stated) {
      const own: Value = constraints[field];
      if (!isSet(own)) continue;
      // An empty list is one that has become so: it stays empty whatever comes.
      const next = value === undefined ? own : joined(merge, value, own);
      // Lists are everybody's who has a say in them; a limit or a switch is whose it first was.
      if (Array.isArray(own)) owners.push(by);
      else if (next !== value) owners = [by];
      value = next;
    }
    if (value === undefined) continue;
    if (Array.isArray(value) && value.length === 0) {
      contradictions.push(
        `constraints.${snake(field)}: ${owners.map(policyText).join(" and ")} have nothing in common`,
      );
      value = [NOTHING];
    }
    merged[field] = value;
    decidedBy.set(field, owners);
  }
  if (stated.length === 0) return { constraints: undefined, decidedBy, contradictions };
  return { constraints: create(ConstraintsSchema, merged), decidedBy, contradictions };
}

function isSet(value: Value): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

function joined(merge: Merge, one: Value, other: Value): Value {
  if (merge === "any") return true;
  if (merge === "least") return (other as number) < (one as number) ? other : one;
  const [first, second] = [one as readonly string[], other as readonly string[]];
  if (merge === "union") return [...new Set([...first, ...second])];
  return first.filter((name) => second.includes(name));
}

/** A field as configuration and exclusions name it. */
export function snake(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
