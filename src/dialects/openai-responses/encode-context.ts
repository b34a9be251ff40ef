import type { ChatRequest, ToolCallPart } from "../../contract/index.ts";
import type { Adaptations } from "../adaptations.ts";
import type { DialectTarget } from "../dialect.ts";
import type { TargetRules } from "./target-rules.ts";

export { UnsupportedFields as Unsupported } from "../refusals.ts";

/** The members of the upstream request, in the order in which they go out. */
export type Body = Map<string, unknown>;

/** An object of the wire format that may hold raw JSON text. */
export type WireObject = { [member: string]: unknown };

/** The conversation's calls by their ids; results are written in the shape of the calls that they answer. */
export type Calls = ReadonlyMap<string, ToolCallPart>;

/** What every encoding function needs. */
export interface EncodeContext {
  readonly request: ChatRequest;
  readonly target: DialectTarget;
  readonly rules: TargetRules;
  readonly adaptations: Adaptations;
}

/** Name of this dialect. */
export const DIALECT_ID = "openai-responses";
