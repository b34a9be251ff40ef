import { Support } from "../contract/index.ts";
import type { Capability, ModelFacts } from "./facts.ts";

/** The fact that a model has these capabilities. */
export function having(...names: readonly Capability[]): Pick<ModelFacts, "capabilities"> {
  return { capabilities: Object.fromEntries(names.map((name) => [name, Support.NATIVE])) };
}
