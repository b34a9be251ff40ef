import {
  Executor,
  type Message,
  type Part,
  type TextPart,
  type ToolCallPart,
  type ToolResultPart,
} from "../../contract/index.ts";
import { RawJson, objectMembers, rawJson, rawObject } from "../json-text.ts";
import { notPortableTo } from "../origin-rules.ts";
import type { CallIds } from "./call-ids.ts";
import type { EncodeContext, WireObject } from "./encode-context.ts";
import { rawBlock, wireText } from "./encode-parts.ts";
import {
  CITATION_FORMAT,
  REDACTED_FORMAT,
  SIGNATURE_FORMAT,
  TOOL_USE_FORMAT,
  isFrom,
  ownState,
  stripForeignState,
} from "./provider-state.ts";

/** The blocks of an earlier turn of the model, in its own order. */
export function encodeAssistant(
  context: EncodeContext,
  message: Message,
  field: string,
  callIds: CallIds,
): WireObject[] {
  const blocks: WireObject[] = [];
  for (const [index, part] of message.parts.entries()) {
    const path = `${field}.parts[${index}]`;
    stripForeignState(context, part, path);
    const block = wireBlock(context, message, part, path, callIds);
    if (!block) continue;
    blocks.push(block);
    const mark = `${path}.cache_breakpoint`;
    const isReasoning = part.kind.case === "reasoning" || part.kind.case === undefined;
    if (isReasoning) context.cacheMarks.refuse(part.cacheBreakpoint, mark);
    else context.cacheMarks.add(block, part.cacheBreakpoint, mark);
  }
  return blocks;
}

function wireBlock(
  context: EncodeContext,
  message: Message,
  part: Part,
  path: string,
  callIds: CallIds,
): WireObject | undefined {
  const { kind } = part;
  switch (kind.case) {
    case "text":
      return textBlock(context, message, kind.value, path);
    case "reasoning":
      return reasoningBlock(context, message, part, kind.value.text.join(""), path);
    case "toolCall":
      return callBlock(context, message, part, kind.value, path, callIds);
    case "toolResult":
      return resultBlock(context, message, part, kind.value, path);
    case "refusal":
      context.adaptations.addPart(path, undefined, "the wire format has no refusals of the model; it is sent as text");
      return wireText(kind.value.text, path, context);
    case "opaque":
      if (isFrom(kind.value.origin, context.target)) return rawBlock(part, kind.value.json, `${path}.opaque.json`);
      context.adaptations.addPart(path, undefined, notPortableTo("a block", kind.value.origin, context.target));
      return undefined;
    case undefined:
      return stateBlock(context, part);
    default:
      // Whether media and passages may stand here was asked before.
      return undefined;
  }
}

function textBlock(context: EncodeContext, message: Message, part: TextPart, path: string): WireObject | undefined {
  const block = wireText(part.text, path, context);
  if (!block) return undefined;
  // Sources of the web are found again by what came with their citations; foreign ones mean nothing here.
  const citations = part.citations.flatMap((citation) => {
    const isOwn =
      ownState(citation, CITATION_FORMAT, context.target) !== undefined || isFrom(message.origin, context.target);
    const json = isOwn && citation.nativeJson !== undefined ? rawObject(citation.nativeJson) : undefined;
    return json ?? [];
  });
  if (citations.length > 0) block["citations"] = citations;
  return block;
}

function reasoningBlock(
  context: EncodeContext,
  message: Message,
  part: Part,
  text: string,
  path: string,
): WireObject | undefined {
  const block = stateBlock(context, part, text);
  if (block) return block;
  const { target, adaptations, rules } = context;
  const isOwn = isFrom(message.origin, target);
  if (isOwn && text !== "" && rules.settings.unsigned_thinking)
    return { type: "thinking", thinking: text, signature: "" };
  const isEmpty = text === "" && part.kind.case === "reasoning" && part.kind.value.summary.length === 0;
  // State that was left out has been told of already.
  if (isEmpty) return undefined;
  const reason = isOwn
    ? "STATE_NOT_PORTABLE: reasoning without its signature is not taken back; it was left out"
    : notPortableTo("reasoning", message.origin, target);
  adaptations.addPart(path, undefined, reason);
  return undefined;
}

function stateBlock({ target }: EncodeContext, part: Part, thinking = ""): WireObject | undefined {
  const signature = ownState(part, SIGNATURE_FORMAT, target);
  if (signature !== undefined) return { type: "thinking", thinking, signature };
  const data = ownState(part, REDACTED_FORMAT, target);
  return data === undefined ? undefined : { type: "redacted_thinking", data };
}

function callBlock(
  context: EncodeContext,
  message: Message,
  part: Part,
  call: ToolCallPart,
  path: string,
  callIds: CallIds,
): WireObject | undefined {
  const isServer = call.executor === Executor.PROVIDER;
  if (isServer && !isFrom(message.origin, context.target)) {
    const reason = notPortableTo("a call of a tool that the provider ran", message.origin, context.target);
    context.adaptations.addPart(path, undefined, reason);
    return undefined;
  }
  const field = `${path}.tool_call`;
  const more = ownState(part, TOOL_USE_FORMAT, context.target);
  return {
    type: isServer ? (call.nativeType ?? "server_tool_use") : "tool_use",
    id: callIds.wire(call.callId, field),
    name: callIds.name(call.name, field),
    input: wireInput(context, call, field),
    ...Object.fromEntries(more === undefined ? [] : (objectMembers(more) ?? [])),
  };
}

const NO_INPUT = new RawJson("{}");

// The wire takes objects only: what is none goes out as a member of one.
function wireInput({ adaptations }: EncodeContext, { input }: ToolCallPart, field: string): unknown {
  if (input.case === undefined || input.value === "") return NO_INPUT;
  if (input.case === "text") {
    adaptations.addPart(
      `${field}.text`,
      undefined,
      "the wire format has no calls with free text; it is a member named input",
    );
    return { input: input.value };
  }
  const object = rawObject(input.value);
  if (object) return object;
  const reason = "the wire format takes arguments that are objects only; they are a member of one";
  adaptations.addPart(`${field}.arguments_json`, undefined, reason);
  return rawJson(input.value) ? { value: new RawJson(input.value) } : { INVALID_JSON: input.value };
}

function resultBlock(
  context: EncodeContext,
  message: Message,
  part: Part,
  result: ToolResultPart,
  path: string,
): WireObject | undefined {
  if (isFrom(message.origin, context.target) && result.nativeJson !== undefined) {
    return rawBlock(part, result.nativeJson, `${path}.tool_result.native_json`);
  }
  const reason = notPortableTo("the result of a tool that the provider ran", message.origin, context.target);
  context.adaptations.addPart(path, undefined, reason);
  return undefined;
}
