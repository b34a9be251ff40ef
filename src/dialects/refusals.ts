import type { Capability, ModelFacts } from "../catalog/facts.ts";
import { Support } from "../contract/index.ts";
import type { UnsupportedField } from "./dialect.ts";

/** Why a field cannot go to a target. */
export interface Refusal {
  /** A sentence about the target, to stand after the field. */
  readonly reason: string;
  readonly quirkId?: string;
}

/** Tells why a target does not honour a field, or undefined where it may. */
export type RefusalOf = (field: string, capability?: Capability) => Refusal | undefined;

/** What the quirks and capabilities of a model refuse. A field is refused with its parents. */
export function refusalsOf(facts: ModelFacts): RefusalOf {
  const rejected = new Map<string, Refusal>();
  for (const quirk of facts.quirks) {
    for (const field of quirk.rejects ?? []) rejected.set(field, { reason: quirk.summary, quirkId: quirk.id });
  }
  return (field, capability) => {
    // Most models refuse nothing by name.
    for (
      let path = rejected.size > 0 ? field : "";
      path !== "";
      path = path.slice(0, Math.max(0, path.lastIndexOf(".")))
    ) {
      const found = rejected.get(path);
      if (found) return found;
    }
    return capability === undefined ? undefined : refusalOfCapability(facts, capability);
  };
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

/** Collects the binding fields that a target cannot honour. */
export class UnsupportedFields {
  readonly list: UnsupportedField[] = [];

  /** A parameter or a value. */
  parameter(field: string, reason: string): void {
    this.list.push({ field, reason, capability: false });
  }

  /** An ability. */
  capability(field: string, reason: string): void {
    this.list.push({ field, reason, capability: true });
  }
}
