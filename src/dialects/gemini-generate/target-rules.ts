import type { ModelFacts } from "../../catalog/facts.ts";
import { refusalsOf, type RefusalOf } from "../refusals.ts";
import { resolveSettings, type ResolvedSettings } from "./settings.ts";

/** What holds at one target, worked out once from what is known of its model. */
export interface TargetRules extends ResolvedSettings {
  readonly facts: ModelFacts;
  /** Thinking levels that the model accepts, least first, in lower case; undefined: not known. */
  readonly efforts: readonly string[] | undefined;
  /** Why the target does not honour a field, or undefined where it may. */
  readonly refusal: RefusalOf;
}

const rulesByFacts = new WeakMap<ModelFacts, TargetRules>();

/** The rules of a model. Facts are immutable, so that they are worked out once per facts object. */
export function rulesOf(facts: ModelFacts): TargetRules {
  let rules = rulesByFacts.get(facts);
  if (!rules) rulesByFacts.set(facts, (rules = makeRules(facts)));
  return rules;
}

function makeRules(facts: ModelFacts): TargetRules {
  const resolved = resolveSettings(facts.quirks);
  const declared = resolved.settings.efforts === "" ? undefined : resolved.settings.efforts.split(",");
  return { ...resolved, facts, efforts: facts.efforts ?? declared, refusal: refusalsOf(facts) };
}
