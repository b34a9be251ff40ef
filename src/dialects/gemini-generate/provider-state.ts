import { create } from "@bufbuild/protobuf";
import { OpaqueStateSchema, type OpaqueState, type Origin, type Part } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { isOrigin, noteForeignState, noteMisplacedState, originAt, statesFor } from "../origin-rules.ts";
import { DIALECT_ID, type EncodeContext } from "./encode-context.ts";

/** State of any part: its `thoughtSignature`, base64 as received. */
export const SIGNATURE_FORMAT = "gemini-generate.thought_signature";

/** State of a call or result of a tool that the provider runs: the whole wire part, JSON text. */
export const PART_FORMAT = "gemini-generate.part";

/** State of an answer that stopped with `CONTINUATION`: its `continuationToken`, base64 as received. */
export const CONTINUATION_FORMAT = "gemini-generate.continuation_token";

/**
 * Stands for the signature of a call that this provider's models did not make.
 * Source: https://ai.google.dev/gemini-api/docs/thought-signatures.
 */
export const SIGNATURE_STAND_IN = "skip_thought_signature_validator";

const FORMATS: ReadonlySet<string> = new Set([SIGNATURE_FORMAT, PART_FORMAT, CONTINUATION_FORMAT]);

/** The origin of whatever a target answers. */
export function originOf(target: DialectTarget): ReturnType<typeof originAt> {
  return originAt(target, DIALECT_ID);
}

/** Whether something of `origin` may go back to the target: only the very model that made it gets it. */
export function isFrom(origin: Origin | undefined, target: DialectTarget): boolean {
  return isOrigin(origin, target, DIALECT_ID);
}

/** A state of something that the target answers. */
export function stateOf(target: DialectTarget, format: string, text: string): OpaqueState {
  return create(OpaqueStateSchema, { origin: originOf(target), format, payload: { case: "text", value: text } });
}

/** The text of a part's state in a format, where it may go back to the target. */
export function ownState(part: Part, format: string, target: DialectTarget): string | undefined {
  return statesFor(part, format, target, DIALECT_ID)[0];
}

/** Notes state that does not go out because somebody else made it. */
export function stripForeignState(context: EncodeContext, part: Part, field: string): void {
  noteForeignState(context, part, field, DIALECT_ID, FORMATS);
}

/** Notes state on a part of a caller's message that does not go out. */
export function stripCallersState(context: EncodeContext, part: Part, field: string): void {
  stripForeignState(context, part, field);
  noteMisplacedState(context, part, field, DIALECT_ID);
}
