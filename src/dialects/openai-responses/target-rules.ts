import type { Capability, ModelFacts } from "../../catalog/facts.ts";
import { refusalsOf, type Refusal } from "../refusals.ts";
import { listOf, resolveSettings, type ResolvedSettings } from "./settings.ts";

export type { Refusal } from "../refusals.ts";

/** What holds at one target, worked out once from what is known of its model. */
export interface TargetRules extends ResolvedSettings {
  readonly facts: ModelFacts;
  /** Reasoning efforts that the model accepts, least first; undefined: not known. */
  readonly efforts: readonly string[] | undefined;
  /** Names of tools that look like the caller's and are run by the provider. */
  readonly providerRunTools: ReadonlySet<string>;
  /** Why the target does not honour a field, or undefined where it may. */
  refusal(field: string, capability?: Capability): Refusal | undefined;
  /** The same for a member that the format lacks: unless the server is known to take it, it is refused. */
  furtherRefusal(field: string, member: string, capability: Capability): Refusal | undefined;
}

const rulesByFacts = new WeakMap<ModelFacts, TargetRules>();

/** The rules of a model. Facts are immutable, so that they are worked out once per facts object. */
export function rulesOf(facts: ModelFacts): TargetRules {
  let rules = rulesByFacts.get(facts);
  if (!rules) rulesByFacts.set(facts, (rules = makeRules(facts)));
  return rules;
}

function makeRules(facts: ModelFacts): TargetRules {
  const refusal = refusalsOf(facts);
  const resolved = resolveSettings(facts.quirks);
  const { settings } = resolved;
  const further = new Set(listOf(settings.further_members));
  return {
    ...resolved,
    facts,
    efforts: facts.efforts ?? (settings.efforts === "" ? undefined : listOf(settings.efforts)),
    providerRunTools: new Set(listOf(settings.provider_run_tools)),
    refusal,
    furtherRefusal: (field, member, capability) =>
      refusal(field, capability) ?? (further.has(member) ? undefined : { reason: "the wire format has no such field" }),
  };
}
