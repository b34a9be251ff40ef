import type { ModelFacts } from "../catalog/facts.ts";

/** Somewhere a request can go: a provider account and one of its models. Built when the configuration is loaded. */
export interface Target {
  /** `provider/model` as the public sees it. */
  readonly name: string;
  /** Configured name of the provider. */
  readonly provider: string;
  /** The provider's own id of the model. */
  readonly model: string;
  readonly region: string | undefined;
  /** What is known of the model: catalogue, overridden by configuration. */
  readonly facts: ModelFacts;
}
