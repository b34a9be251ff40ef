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
  readonly costTier: string | undefined;
  readonly maxInputTokens: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly maxContextTokens: number | undefined;
  readonly requiredTags: readonly string[];
}

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
};
