import type { OpaqueState, Origin, Part } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { DIALECT_ID, type EncodeContext } from "./encode-context.ts";

/** State of a reasoning part: one entry of `reasoning_details`, JSON text. */
export const REASONING_DETAIL_FORMAT = "openai-chat.reasoning_details";

/** State of a tool call or of a whole message: its `extra_content`, JSON text. */
export const EXTRA_CONTENT_FORMAT = "openai-chat.extra_content";

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

/** The texts of a part's states in a format that may go back to the target. */
export function ownState(part: Part, format: string, target: DialectTarget): readonly string[] {
  const texts: string[] = [];
  for (const state of part.state) {
    if (state.format === format && state.payload.case === "text" && isFrom(state.origin, target)) {
      texts.push(state.payload.value);
    }
  }
  return texts;
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
  const known = state.format === REASONING_DETAIL_FORMAT || state.format === EXTRA_CONTENT_FORMAT;
  return known && state.payload.case === "text" && isFrom(state.origin, target);
}

/** Why something of another origin is left out; the reason's first word is for programs. */
export function notPortable(what: string, origin: Origin | undefined, target: DialectTarget): string {
  const maker = origin ? `${origin.provider}/${origin.model}` : "an unknown model";
  return `STATE_NOT_PORTABLE: ${what} of ${maker} is not sent to ${target.provider}/${target.model}`;
}
