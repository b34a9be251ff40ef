import type { ChatRequest } from "../../contract/index.ts";
import type { Adaptations } from "../adaptations.ts";
import type { DialectTarget } from "../dialect.ts";
import type { CacheMarks } from "./cache-marks.ts";
import type { TargetRules } from "./target-rules.ts";

/** The members of the upstream request, in the order in which they go out. */
export type Body = Map<string, unknown>;

/** An object of the wire format that may hold raw JSON text. */
export type WireObject = { [member: string]: unknown };

/** What every encoding function needs. */
export interface EncodeContext {
  readonly request: ChatRequest;
  readonly target: DialectTarget;
  readonly rules: TargetRules;
  readonly adaptations: Adaptations;
  /** The marks on what is to be cached, in the order of the prompt. */
  readonly cacheMarks: CacheMarks;
  /** Names of the features beyond the API's version that the request makes use of. */
  readonly betas: Set<string>;
}

/** Name of this dialect. */
export const DIALECT_ID = "anthropic-messages";
