import type { PolicyOf } from "../holder.ts";
import type { CostTier } from "./cost-tier.ts";

/** What the requests of a caller may do: the stricter of all its policies. Undefined limits: none. */
export interface Permits {
  readonly reasoning: boolean;
  readonly streaming: boolean;
  readonly tools: boolean;
  readonly vision: boolean;
  readonly imageGeneration: boolean;
  readonly audio: boolean;
  /** `true`: any; `false`: none; else the top-level names that may be set. */
  readonly rawParams: boolean | ReadonlySet<string>;
  /** The dearest service tier that may be asked for; undefined: any. */
  readonly costTier: CostTier | undefined;
  readonly maxInputTokens: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly maxContextTokens: number | undefined;
  readonly requiredTags: readonly string[];
  /** Whose policy has decided each rule that is not as in `EVERYTHING`, by `PermitName`; of tags by `required_tags.NAME`. */
  readonly decidedBy: Readonly<Record<string, PolicyOf>>;
  /** What the policies leave nothing of, each a sentence: then no request can be served. */
  readonly contradictions: readonly string[];
}

/** A permission as configuration and previews name it, under `permit`. */
export type PermitName =
  | "reasoning"
  | "streaming"
  | "tools"
  | "vision"
  | "image_generation"
  | "audio"
  | "raw_params"
  | "cost_tier"
  | "max_input_tokens"
  | "max_output_tokens"
  | "max_context_tokens"
  | "required_tags";

/** Everything is permitted. */
export const EVERYTHING: Permits = {
  reasoning: true,
  streaming: true,
  tools: true,
  vision: true,
  imageGeneration: true,
  audio: true,
  rawParams: true,
  costTier: undefined,
  maxInputTokens: undefined,
  maxOutputTokens: undefined,
  maxContextTokens: undefined,
  requiredTags: [],
  decidedBy: {},
  contradictions: [],
};
