import type { ChatRequest } from "../../contract/index.ts";
import type { Adaptations } from "../adaptations.ts";
import type { DialectTarget, UnsupportedField } from "../dialect.ts";
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
}

/** Collects the binding fields that a target cannot honour. */
export class Unsupported {
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

/** Name of this dialect. */
export const DIALECT_ID = "gemini-generate";
