import type { StreamEvent } from "../../contract/index.ts";
import { arrayItems } from "../json-slices.ts";
import { objectMembers } from "../json-text.ts";
import type { AnswerReader } from "./answer-reader.ts";
import type { ReceivedBlock } from "./wire.ts";

/**
 * Takes the blocks of a message in, each whole. `json` is the message as received; a block that must go back unchanged
 * is cut out of it.
 */
export function takeWholeBlocks(
  reader: AnswerReader,
  content: readonly ReceivedBlock[],
  json: () => string,
  out: StreamEvent[],
): void {
  if (content.length === 0) return;
  const items = arrayItems(objectMembers(json())?.get("content")?.text ?? "") ?? [];
  for (const [index, block] of content.entries()) {
    reader.beginBlock(index, { block, json: () => items[index]?.text ?? "" }, out);
    reader.endBlock(index, out);
  }
}
