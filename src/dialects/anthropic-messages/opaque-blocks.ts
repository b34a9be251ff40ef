import { create } from "@bufbuild/protobuf";
import { PartSchema } from "../../contract/index.ts";
import { wordSet } from "../drift.ts";
import { jsonText, objectMembers, type RawJson } from "../json-text.ts";
import { originAt } from "../origin-rules.ts";
import { membersOf, type BlockReader, type BlockScope, type BlockStart } from "./block-reader.ts";
import { DIALECT_ID } from "./encode-context.ts";
import type { ReceivedDelta } from "./wire.ts";

const KNOWN_TYPES = wordSet("compaction container_upload fallback");
const MAX_TYPE_CHARS = 256;

/** A block that the contract does not model: kept word for word, and sent back to whoever made it. */
export class OpaqueReader implements BlockReader {
  readonly #scope: BlockScope;
  readonly #block: number;
  readonly #start: BlockStart;
  #members: Map<string, RawJson | string> | undefined;

  constructor(scope: BlockScope, start: BlockStart) {
    this.#scope = scope;
    this.#start = start;
    const type = typeof start.block.type === "string" ? start.block.type : "";
    if (!KNOWN_TYPES.has(type)) scope.drift.note(`content[].type=${type}`);
    const value = {
      origin: originAt(scope.target, DIALECT_ID),
      nativeType: type.slice(0, MAX_TYPE_CHARS),
      json: start.json(),
    };
    this.#block = scope.blocks.open(create(PartSchema, { kind: { case: "opaque", value } }));
  }

  /** Deltas of such blocks, known or not, have the block's own members: texts are appended, anything else is set. */
  take(delta: ReceivedDelta, json: () => string): boolean {
    const type = delta.type ?? "";
    if (!type.startsWith(`${this.#start.block.type ?? ""}_`)) this.#scope.drift.note(`delta.type=${type}`);
    const members = (this.#members ??= new Map<string, RawJson | string>(membersOf(this.#start)));
    for (const [name, raw] of objectMembers(json()) ?? []) {
      if (name === "type" || raw.text === "null") continue;
      const before = textIn(members.get(name));
      const added = textIn(raw);
      members.set(name, added === undefined ? raw : (before ?? "") + added);
    }
    return true;
  }

  finish(): void {
    const { blocks } = this.#scope;
    const { kind } = blocks.part(this.#block);
    if (this.#members && kind.case === "opaque") kind.value.json = jsonText(this.#members);
    blocks.close(this.#block);
  }
}

function textIn(value: RawJson | string | undefined): string | undefined {
  if (typeof value === "string") return value;
  return value?.text.startsWith('"') ? (JSON.parse(value.text) as string) : undefined;
}
