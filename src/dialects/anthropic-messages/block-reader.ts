import type { AnswerBlocks } from "../answer-blocks.ts";
import type { DialectTarget } from "../dialect.ts";
import type { Drift } from "../drift.ts";
import { objectMembers, type RawJson } from "../json-text.ts";
import type { ReceivedBlock, ReceivedDelta } from "./wire.ts";

/** Reads one block of an answer, whole or piece by piece. */
export interface BlockReader {
  /** Takes a delta in; false where the block knows no deltas of this type. `json` is the delta as received. */
  take(delta: ReceivedDelta, json: () => string): boolean;
  /** The block is complete. */
  finish(): void;
}

/** What the readers of one answer's blocks share. */
export interface BlockScope {
  readonly blocks: AnswerBlocks;
  readonly target: DialectTarget;
  readonly drift: Drift;
  readonly newId: (prefix: string) => string;
  /** Names of the tools that were called, by the call's id. */
  readonly toolNames: Map<string, string>;
}

/** A block as it begins, or whole. */
export interface BlockStart {
  readonly block: ReceivedBlock;
  /** The block as received, so that what must go back unchanged is not written anew. */
  readonly json: () => string;
}

/** The members of a block, each as received. */
export function membersOf({ json }: BlockStart): Map<string, RawJson> {
  return objectMembers(json()) ?? new Map<string, RawJson>();
}
