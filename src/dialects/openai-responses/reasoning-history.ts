import type { Message, Part } from "../../contract/index.ts";
import { objectMembers } from "../json-text.ts";
import { notPortableTo } from "../origin-rules.ts";
import type { EncodeContext, WireObject } from "./encode-context.ts";
import { ENCRYPTED_CONTENT_FORMAT, MEMBERS_FORMAT, isFrom, ownState } from "./provider-state.ts";

/**
 * Reasoning of an earlier turn as an item, without its id: answers are not kept, so that the provider would look for it
 * in vain. Undefined where it cannot go back, which an adaptation then says.
 */
export function encodeReasoningItem(
  context: EncodeContext,
  message: Message,
  part: Part,
  path: string,
): WireObject | undefined {
  if (part.kind.case !== "reasoning") return undefined;
  const { text, summary } = part.kind.value;
  const { target, rules, adaptations } = context;
  const encrypted = ownState(part, ENCRYPTED_CONTENT_FORMAT, target);
  const refusal = refusalOf(context, message, part, encrypted !== undefined);
  if (refusal !== undefined) {
    if (text.length > 0 || summary.length > 0 || encrypted !== undefined) {
      adaptations.addPart(path, undefined, refusal, rules.quirkOf.get("reasoning_history"));
    }
    return undefined;
  }
  const members = ownState(part, MEMBERS_FORMAT, target);
  return {
    type: "reasoning",
    summary: summary.map((piece) => ({ type: "summary_text", text: piece })),
    content: text.length > 0 ? text.map((piece) => ({ type: "reasoning_text", text: piece })) : undefined,
    encrypted_content: encrypted,
    ...(members === undefined ? {} : Object.fromEntries(objectMembers(members) ?? [])),
  };
}

function refusalOf(
  { rules, target }: EncodeContext,
  { origin }: Message,
  part: Part,
  hasEncrypted: boolean,
): string | undefined {
  const { reasoning_history: history } = rules.settings;
  if (history === "none") return "the provider takes no reasoning of earlier turns; it was left out";
  if (hasEncrypted) return undefined;
  const maker = origin ?? part.state[0]?.origin;
  if (maker && !isFrom(maker, target)) return notPortableTo("reasoning", maker, target);
  if (history === "encrypted") return "reasoning goes back only with its encrypted state, which is not there";
  const { kind } = part;
  const isEmpty = kind.case === "reasoning" && kind.value.text.length === 0 && kind.value.summary.length === 0;
  return isEmpty ? "there is nothing of it to send" : undefined;
}
