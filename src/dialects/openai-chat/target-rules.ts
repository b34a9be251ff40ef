import type { Capability, ModelFacts } from "../../catalog/facts.ts";
import { Support } from "../../contract/index.ts";
import { refusalsOf, type Refusal, type RefusalOf } from "../refusals.ts";
import { resolveSettings, type ResolvedSettings } from "./settings.ts";

/** What holds at one target, worked out once from what is known of its model. */
export interface TargetRules extends ResolvedSettings {
  readonly facts: ModelFacts;
  /** Reasoning efforts that the model accepts, least first; undefined: not known. */
  readonly efforts: readonly string[] | undefined;
  /** Why the target does not honour a field, or undefined where it may. */
  readonly refusal: RefusalOf;
  /** The same for a field that only some vendors have added: unless the capability is declared, it is refused. */
  extensionRefusal(field: string, capability: Capability): Refusal | undefined;
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
  const declared = resolved.settings.efforts === "" ? undefined : resolved.settings.efforts.split(",");
  return {
    ...resolved,
    facts,
    efforts: facts.efforts ?? declared,
    refusal,
    extensionRefusal: (field, capability) =>
      refusal(field, capability) ??
      (facts.capabilities[capability] === Support.NATIVE
        ? undefined
        : {
            reason: `the wire format has no such field and the model is not known to have the capability ${capability}`,
          }),
  };
}
