import { create } from "@bufbuild/protobuf";
import { OpaqueStateSchema, type BlockDelta, type OpaqueState, type Part } from "../../contract/index.ts";
import type { AnswerBlocks } from "../answer-blocks.ts";
import type { DialectTarget } from "../dialect.ts";
import { badOutput } from "../received-json.ts";
import type { Drift } from "../drift.ts";
import { MEMBERS_FORMAT, originOf } from "./provider-state.ts";
import type { TargetRules } from "./target-rules.ts";
import type { OutputItem, ResponseEvent } from "./wire.ts";

const MAX_ID_CHARS = 512;

/** What every reader of items needs. */
export interface ItemContext {
  readonly blocks: AnswerBlocks;
  readonly target: DialectTarget;
  readonly rules: TargetRules;
  readonly drift: Drift;
  readonly newId: (prefix: string) => string;
}

/** Reads one item of an answer: its events one by one, or nothing before the whole. */
export interface ItemReader {
  /** Takes an event about the item in. */
  take(type: string, event: ResponseEvent): void;
  /** The whole item; `raw` gives its JSON text as received. Adds what its events did not say, and closes its blocks. */
  finish(item: OutputItem, raw: () => string): void;
  /** Whether it is a call that the caller is to run. */
  readonly isCall: boolean;
  readonly isRefusal: boolean;
}

/** An id that the contract can hold; undefined where there is none. */
export function usableId(id: unknown): string | undefined {
  return typeof id === "string" && id !== "" && id.length <= MAX_ID_CHARS ? id : undefined;
}

/** A name that the contract can hold. */
export function usableName(name: unknown): string {
  return typeof name === "string" ? name.slice(0, 256) : "";
}

/** Sets the identity of a block's part to that of its item. */
export function identify(part: Part, { id }: OutputItem): void {
  const usable = usableId(id);
  if (usable !== undefined) part.id = usable;
}

/** State of a block, of this target. */
export function stateDelta(context: ItemContext, format: string, text: string): BlockDelta["delta"] {
  return { case: "state", value: stateOf(context, format, text) };
}

/** State of a part, of this target. */
export function stateOf({ target }: ItemContext, format: string, text: string): OpaqueState {
  return create(OpaqueStateSchema, { origin: originOf(target), format, payload: { case: "text", value: text } });
}

/** Adds the members of an item that the contract has no place for as state of a block. */
export function keepMembers(
  context: ItemContext,
  block: number,
  item: OutputItem,
  modelled: ReadonlySet<string>,
): void {
  const rest = Object.entries(item).filter(([name, value]) => !modelled.has(name) && value !== null);
  if (rest.length === 0) return;
  context.blocks.delta(block, stateDelta(context, MEMBERS_FORMAT, JSON.stringify(Object.fromEntries(rest))));
}

/**
 * What `whole` has beyond `received`. Undefined where the two contradict each other: white space at the ends, and a
 * whole that is empty, contradict nothing.
 */
export function missingRest(received: string, whole: string): string | undefined {
  if (whole.startsWith(received)) return whole.slice(received.length);
  return whole === "" || whole.trim() === received.trim() ? "" : undefined;
}

/** The error for an answer with more of something than any answer has. */
export function tooMany({ target }: ItemContext, what: string, most: number): Error {
  return badOutput(target, `it has more than ${most} ${what}`);
}
