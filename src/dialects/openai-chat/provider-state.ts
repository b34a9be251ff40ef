import type { Origin, Part } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { isOrigin, noteForeignState, noteMisplacedState, originAt, statesFor } from "../origin-rules.ts";
import { DIALECT_ID, type EncodeContext } from "./encode-context.ts";

/** State of a reasoning part: one entry of `reasoning_details`, JSON text. */
export const REASONING_DETAIL_FORMAT = "openai-chat.reasoning_details";

/** State of a tool call or of a whole message: its `extra_content`, JSON text. */
export const EXTRA_CONTENT_FORMAT = "openai-chat.extra_content";

const FORMATS: ReadonlySet<string> = new Set([REASONING_DETAIL_FORMAT, EXTRA_CONTENT_FORMAT]);

/** The origin of whatever a target answers. */
export function originOf(target: DialectTarget): ReturnType<typeof originAt> {
  return originAt(target, DIALECT_ID);
}

/** Whether something of `origin` may go back to the target: only the very model that made it gets it. */
export function isFrom(origin: Origin | undefined, target: DialectTarget): boolean {
  return isOrigin(origin, target, DIALECT_ID);
}

/** The texts of a part's states in a format that may go back to the target. */
export function ownState(part: Part, format: string, target: DialectTarget): readonly string[] {
  return statesFor(part, format, target, DIALECT_ID);
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
