import {
  Executor,
  Modality,
  type Message,
  type OpaquePart,
  type Part,
  type ToolCallPart,
} from "../../contract/index.ts";
import { notPortableTo } from "../origin-rules.ts";
import { DIALECT_ID, type EncodeContext, type WireObject } from "./encode-context.ts";
import { cacheControl } from "./encode-extras.ts";
import { participantName, type CallIds } from "./call-ids.ts";
import { wireContent, wireContentPart } from "./encode-parts.ts";
import { objectOf } from "../json-field.ts";
import { willReason } from "./rejected-while-reasoning.ts";
import type { RawJson } from "../json-text.ts";
import {
  EXTRA_CONTENT_FORMAT,
  REASONING_DETAIL_FORMAT,
  isFrom,
  ownState,
  stripForeignState,
} from "./provider-state.ts";

// What an assistant's parts add up to; chat.completions keeps no order among texts, calls and reasoning.
interface Draft {
  readonly content: WireObject[];
  readonly refusals: string[];
  readonly calls: WireObject[];
  readonly reasoning: string[];
  readonly details: RawJson[];
  audioId: string | undefined;
  extraContent: RawJson | undefined;
}

/** An earlier turn of the model on the wire. */
export function encodeAssistant(context: EncodeContext, message: Message, field: string, callIds: CallIds): WireObject {
  const draft: Draft = {
    content: [],
    refusals: [],
    calls: [],
    reasoning: [],
    details: [],
    audioId: undefined,
    extraContent: undefined,
  };
  for (const [index, part] of message.parts.entries()) {
    const path = `${field}.parts[${index}]`;
    stripForeignState(context, part, path);
    addPart(context, message, part, path, callIds, draft);
  }
  return wireMessage(context, message, field, draft);
}

function wireMessage(context: EncodeContext, message: Message, field: string, draft: Draft): WireObject {
  const { settings } = context.rules;
  const hasText = draft.content.length > 0;
  // A refusal beside text stands in the list; alone it has a member of its own.
  const refusal = hasText ? undefined : draft.refusals.join("") || undefined;
  const reasoning = reasoningOf(context, field, draft);
  const thoughts = settings.reasoning_history === "thinking_parts" ? thinkingParts(draft) : [];
  const refusals = draft.refusals.map((text) => ({ type: "refusal", refusal: text }));
  const content =
    hasText || thoughts.length > 0 ? wireContent([...thoughts, ...draft.content, ...refusals]) : undefined;
  const isEmpty = draft.calls.length === 0 && refusal === undefined && draft.audioId === undefined;
  const wire: WireObject = {
    role: "assistant",
    content: content ?? (isEmpty ? "" : null),
    name: participantName(context, message, field),
    refusal,
    tool_calls: draft.calls.length > 0 ? draft.calls : undefined,
    audio: draft.audioId === undefined ? undefined : { id: draft.audioId },
    reasoning_details: draft.details.length > 0 ? draft.details : undefined,
    extra_content: draft.extraContent,
    prefix: message.prefill === true && settings.prefill === "prefix" ? true : undefined,
    partial: message.prefill === true && settings.prefill === "partial" ? true : undefined,
  };
  const member = settings.reasoning_history;
  if (member === "reasoning_content" || member === "reasoning") wire[member] = reasoning;
  return wire;
}

function thinkingParts({ reasoning }: Draft): WireObject[] {
  return reasoning.length === 0
    ? []
    : [{ type: "thinking", thinking: reasoning.map((text) => ({ type: "text", text })) }];
}

function reasoningOf(context: EncodeContext, field: string, draft: Draft): string | undefined {
  if (draft.reasoning.length > 0) return draft.reasoning.join("");
  const { settings, quirkOf } = context.rules;
  const missing = settings.reasoning_beside_calls && draft.calls.length > 0;
  if (!missing || !willReason(context.request, settings.reasons)) return undefined;
  const reason = "the provider wants reasoning beside tool calls and there is none to send; it got an empty one";
  context.adaptations.addPart(`${field}.parts`, "", reason, quirkOf.get("reasoning_beside_calls"));
  return "";
}

function addPart(
  context: EncodeContext,
  message: Message,
  part: Part,
  path: string,
  callIds: CallIds,
  draft: Draft,
): void {
  const { kind } = part;
  for (const text of ownState(part, REASONING_DETAIL_FORMAT, context.target)) {
    draft.details.push(objectOf(text, `${path}.state`));
  }
  const [extra] = ownState(part, EXTRA_CONTENT_FORMAT, context.target);
  const extraContent = extra === undefined ? undefined : objectOf(extra, `${path}.state`);
  switch (kind.case) {
    case "toolCall":
      addCall(context, kind.value, path, callIds, extraContent, draft);
      markCall(context, part, path, draft);
      return;
    case "refusal":
      addRefusal(context, kind.value.text, path, draft);
      tellOfMark(context, part, path);
      return;
    case "reasoning":
      addReasoning(context, message, part, path, draft);
      tellOfMark(context, part, path);
      return;
    case "toolResult":
      context.adaptations.addPart(path, undefined, "results of tools that the provider ran cannot be sent back");
      return;
    case "media":
      if (isSpoken(part)) draft.audioId = kind.value.generatedId;
      return;
    case "opaque":
      addOpaque(context, kind.value, path, draft);
      return;
    default: {
      if (extraContent) draft.extraContent = extraContent;
      const wire = wireContentPart(part, path, context);
      if (wire) draft.content.push(wire);
    }
  }
}

function addRefusal(context: EncodeContext, text: string, path: string, draft: Draft): void {
  if (context.rules.settings.refusal_history === "refusal") {
    draft.refusals.push(text);
    return;
  }
  const reason = "the provider does not tell refusals from text; it is sent as text";
  context.adaptations.addPart(path, "text", reason, context.rules.quirkOf.get("refusal_history"));
  draft.content.push({ type: "text", text });
}

/** Whether the part is an earlier spoken answer, which goes back by its id. */
export function isSpoken({ kind }: Part): boolean {
  return kind.case === "media" && kind.value.modality === Modality.AUDIO && kind.value.generatedId !== undefined;
}

function addCall(
  context: EncodeContext,
  call: ToolCallPart,
  path: string,
  callIds: CallIds,
  extraContent: RawJson | undefined,
  draft: Draft,
): void {
  if (call.executor === Executor.PROVIDER) {
    context.adaptations.addPart(path, undefined, "calls of tools that the provider ran cannot be sent back");
    return;
  }
  const id = callIds.wire(call.callId, `${path}.tool_call`);
  const { name, input } = call;
  draft.calls.push(
    input.case === "text"
      ? { id, type: "custom", custom: { name, input: input.value }, extra_content: extraContent }
      : { id, type: "function", function: { name, arguments: input.value ?? "{}" }, extra_content: extraContent },
  );
}

function tellOfMark({ adaptations }: EncodeContext, part: Part, path: string): void {
  if (!part.cacheBreakpoint) return;
  const reason = "the wire format has no cache marks on refusals and reasoning";
  adaptations.addPart(`${path}.cache_breakpoint`, undefined, reason);
}

/** A cache mark on a call, where the provider takes them anywhere. */
function markCall({ rules, adaptations }: EncodeContext, part: Part, path: string, draft: Draft): void {
  const { cacheBreakpoint: mark } = part;
  if (!mark) return;
  const isSent = part.kind.case === "toolCall" && part.kind.value.executor !== Executor.PROVIDER;
  const call = isSent ? draft.calls.at(-1) : undefined;
  const field = `${path}.cache_breakpoint`;
  if (call && rules.settings.cache_breakpoints && rules.settings.cache_mark === "cache_control") {
    call["cache_control"] = cacheControl(mark.ttlSeconds, field, adaptations);
  } else adaptations.addPart(field, undefined, "the wire format has no cache marks on calls");
}

function addReasoning(context: EncodeContext, message: Message, part: Part, path: string, draft: Draft): void {
  if (part.kind.case !== "reasoning") return;
  const { text, summary } = part.kind.value;
  if (text.length === 0 && summary.length === 0) return;
  // Details hold the text already.
  if (ownState(part, REASONING_DETAIL_FORMAT, context.target).length > 0) return;
  const { origin } = message;
  if (context.rules.settings.reasoning_history === "none" || text.length === 0) {
    context.adaptations.addPart(path, undefined, "the provider takes no reasoning of earlier turns; it was left out");
  } else if (origin && !isFrom(origin, context.target)) {
    context.adaptations.addPart(path, undefined, notPortableTo("reasoning", origin, context.target));
  } else draft.reasoning.push(...text);
}

function addOpaque(context: EncodeContext, opaque: OpaquePart, path: string, draft: Draft): void {
  const { origin } = opaque;
  if (isFrom(origin, context.target) && origin?.dialect === DIALECT_ID) {
    draft.content.push(objectOf(opaque.json, `${path}.opaque.json`) as unknown as WireObject);
  } else context.adaptations.addPart(path, undefined, notPortableTo("a block", origin, context.target));
}
