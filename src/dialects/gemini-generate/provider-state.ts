import { create } from "@bufbuild/protobuf";
import { OpaqueStateSchema, type OpaqueState, type Origin, type Part } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
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
export function originOf(target: DialectTarget): {
  readonly provider: string;
  readonly dialect: string;
  readonly model: string;
} {
  return { provider: target.provider, dialect: DIALECT_ID, model: target.model };
}

/** Whether something of `origin` may go back to the target: only the very model that made it gets it. */
export function isFrom(origin: Origin | undefined, target: DialectTarget): boolean {
  return origin?.provider === target.provider && origin.dialect === DIALECT_ID && origin.model === target.model;
}

/** A state of something that the target answers. */
export function stateOf(target: DialectTarget, format: string, text: string): OpaqueState {
  return create(OpaqueStateSchema, { origin: originOf(target), format, payload: { case: "text", value: text } });
}

/** The text of a part's state in a format, where it may go back to the target. */
export function ownState(part: Part, format: string, target: DialectTarget): string | undefined {
  for (const state of part.state) {
    if (state.format === format && isSendable(state, target)) return state.payload.value as string;
  }
  return undefined;
}

/** Notes state that does not go out because somebody else made it. */
export function stripForeignState(context: EncodeContext, part: Part, field: string): void {
  for (const state of part.state) {
    if (!isSendable(state, context.target)) {
      context.adaptations.addPart(`${field}.state`, undefined, notPortable("state", state.origin, context.target));
    }
  }
}

function isSendable(state: OpaqueState, target: DialectTarget): boolean {
  return FORMATS.has(state.format) && state.payload.case === "text" && isFrom(state.origin, target);
}

/** Why something of another origin is left out; the reason's first word is for programs. */
export function notPortable(what: string, origin: Origin | undefined, target: DialectTarget): string {
  const maker = origin ? `${origin.provider}/${origin.model}` : "an unknown model";
  return `STATE_NOT_PORTABLE: ${what} of ${maker} is not sent to ${target.provider}/${target.model}`;
}
