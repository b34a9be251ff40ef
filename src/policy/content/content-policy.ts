/** The content rules of a caller, compiled: those of all its policies, in order. */
export interface ContentPolicy {
  /** Names of the rules, for traces and audits. */
  readonly rules: readonly string[];
}
