import { create } from "@bufbuild/protobuf";
import { OpaqueStateSchema, type OpaqueState, type Origin, type Part } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { isOrigin, noteForeignState, noteMisplacedState, originAt, statesFor } from "../origin-rules.ts";
import { DIALECT_ID, type EncodeContext } from "./encode-context.ts";

/** State of reasoning: the signature of a `thinking` block. */
export const SIGNATURE_FORMAT = "anthropic-messages.signature";

/** State of withheld reasoning: the data of a `redacted_thinking` block. */
export const REDACTED_FORMAT = "anthropic-messages.redacted_thinking";

/** State of a tool call: the members of its block that the contract has no place for, JSON text of an object. */
export const TOOL_USE_FORMAT = "anthropic-messages.tool_use";

/** State of a citation of a page of the web. */
export const CITATION_FORMAT = "anthropic-messages.encrypted_index";

/** State of a whole answer: the id of the container in which the provider ran code for it. */
export const CONTAINER_FORMAT = "anthropic-messages.container";

const FORMATS: ReadonlySet<string> = new Set([SIGNATURE_FORMAT, REDACTED_FORMAT, TOOL_USE_FORMAT, CONTAINER_FORMAT]);

/** State that the target wants back. */
export function stateOf(target: DialectTarget, format: string, text: string): OpaqueState {
  return create(OpaqueStateSchema, {
    origin: originAt(target, DIALECT_ID),
    format,
    payload: { case: "text", value: text },
  });
}

/** Whether something of `origin` may go back to the target: only the very model that made it gets it. */
export function isFrom(origin: Origin | undefined, target: DialectTarget): boolean {
  return isOrigin(origin, target, DIALECT_ID);
}

/** The text of a part's state in a format, where it may go back to the target. */
export function ownState(part: Pick<Part, "state">, format: string, target: DialectTarget): string | undefined {
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
