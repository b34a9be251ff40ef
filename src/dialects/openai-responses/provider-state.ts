import type { Origin, Part } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { isOrigin, noteForeignState, noteMisplacedState, originAt, statesFor } from "../origin-rules.ts";
import { DIALECT_ID, type EncodeContext } from "./encode-context.ts";

/** State of a reasoning part: its `encrypted_content`. */
export const ENCRYPTED_CONTENT_FORMAT = "openai-responses.encrypted_content";

/** State of a part that stands for an item of its own: the item, JSON text as received. */
export const ITEM_FORMAT = "openai-responses.item";

/** State of a part: members of its item that the contract has no place for, JSON text of an object. */
export const MEMBERS_FORMAT = "openai-responses.item_members";

const FORMATS: ReadonlySet<string> = new Set([ENCRYPTED_CONTENT_FORMAT, ITEM_FORMAT, MEMBERS_FORMAT]);

/** The origin of whatever a target answers. */
export function originOf(target: DialectTarget): ReturnType<typeof originAt> {
  return originAt(target, DIALECT_ID);
}

/** Whether something of `origin` may go back to the target: only the very model that made it gets it. */
export function isFrom(origin: Origin | undefined, target: DialectTarget): boolean {
  return isOrigin(origin, target, DIALECT_ID);
}

/** The first text of a part's states in a format that may go back to the target. */
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
