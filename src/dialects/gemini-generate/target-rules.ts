import type { Capability, ModelFacts } from "../../catalog/facts.ts";
import { Support } from "../../contract/index.ts";
import { resolveSettings, type ResolvedSettings } from "./settings.ts";

/** What holds at one target, worked out once from what is known of its model. */
export interface TargetRules extends ResolvedSettings {
  readonly facts: ModelFacts;
  /** Thinking levels that the model accepts, least first, in lower case; undefined: not known. */
  readonly efforts: readonly string[] | undefined;
  /** Why the target does not honour a field, or undefined where it may. */
  refusal(field: string, capability?: Capability): Refusal | undefined;
}

/** Why a field cannot go to a target. */
export interface Refusal {
  /** A sentence about the target, to stand after the field. */
  readonly reason: string;
  readonly quirkId?: string;
}

const rulesByFacts = new WeakMap<ModelFacts, TargetRules>();

/** The rules of a model. Facts are immutable, so that they are worked out once per facts object. */
export function rulesOf(facts: ModelFacts): TargetRules {
  let rules = rulesByFacts.get(facts);
  if (!rules) rulesByFacts.set(facts, (rules = makeRules(facts)));
  return rules;
}

function makeRules(facts: ModelFacts): TargetRules {
  const rejected = new Map<string, Refusal>();
  for (const quirk of facts.quirks) {
    for (const field of quirk.rejects ?? []) rejected.set(field, { reason: quirk.summary, quirkId: quirk.id });
  }
  const resolved = resolveSettings(facts.quirks);
  const declared = resolved.settings.efforts === "" ? undefined : resolved.settings.efforts.split(",");
  return {
    ...resolved,
    facts,
    efforts: facts.efforts ?? declared,
    refusal(field, capability) {
      for (let path = field; path !== ""; path = parentOf(path)) {
        const found = rejected.get(path);
        if (found) return found;
      }
      return capability === undefined ? undefined : refusalOfCapability(facts, capability);
    },
  };
}

function parentOf(path: string): string {
  const dot = path.lastIndexOf(".");
  return dot < 0 ? "" : path.slice(0, dot);
}

function refusalOfCapability(facts: ModelFacts, capability: Capability): Refusal | undefined {
  switch (facts.capabilities[capability]) {
    case Support.REJECTED:
      return { reason: `the model does not have the capability ${capability}` };
    case Support.IGNORED:
      return { reason: `the model accepts the capability ${capability} and does nothing with it` };
    default:
      return undefined;
  }
}
