import { Executor, Role, type Message, type Part, type ToolResultPart } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { objectMembers } from "../json-text.ts";
import { CallIds } from "./call-ids.ts";
import { encodeAssistant } from "./encode-assistant.ts";
import type { EncodeContext, WireObject } from "./encode-context.ts";
import { wireContentPart } from "./encode-parts.ts";
import { CONTAINER_FORMAT, TOOL_USE_FORMAT, ownState, stripCallersState } from "./provider-state.ts";
import { WireTurns, type Turn } from "./wire-turns.ts";

/** The conversation on the wire: instructions that come before it, and its turns. */
export interface WireConversation {
  readonly system: readonly WireObject[];
  readonly turns: readonly Turn[];
}

/** Encodes the messages. Throws `INVALID_REQUEST` where nothing of them can be sent. */
export function encodeMessages(context: EncodeContext): WireConversation {
  const { messages } = context.request;
  const first = messages.findIndex(({ role }) => !isInstruction(role));
  const leading = first < 0 ? messages.length : first;
  const system: WireObject[] = [];
  const turns = new WireTurns(context);
  const callIds = new CallIds(context);
  for (const [index, message] of messages.entries()) {
    const field = `messages[${index}]`;
    if (message.name !== undefined) {
      context.adaptations.addPart(`${field}.name`, undefined, "the wire format has no names of participants");
    }
    if (index < leading) system.push(...instructions(context, message, field));
    else if (isInstruction(message.role)) turns.addInstructions(instructions(context, message, field), `${field}.role`);
    else if (message.role === Role.ASSISTANT) turns.addAssistant(encodeAssistant(context, message, field, callIds));
    else addUserTurn(context, message, field, callIds, turns);
  }
  const written = turns.finish();
  if (written.length > 0) return { system, turns: written };
  throw new ParleyError(
    "INVALID_REQUEST",
    "Cannot send messages: nothing but instructions is left of them, add a user's message",
    {
      field: "messages",
    },
  );
}

/** The answer that the model is to go on with ends without space, which the provider demands. */
export function trimPrefill(context: EncodeContext, turns: readonly Turn[]): void {
  const last = turns.at(-1)?.content.at(-1);
  const text = last?.["text"];
  if (turns.at(-1)?.role !== "assistant" || !last || last["type"] !== "text" || typeof text !== "string") return;
  if (text.trimEnd() === text) return;
  last["text"] = text.trimEnd();
  const { length } = context.request.messages;
  const reason = "the provider takes no answer to go on with that ends with space; the space was cut off";
  context.adaptations.addPart(`messages[${length - 1}]`, undefined, reason);
}

/**
 * The container that code of the last answer waits in for the results of its calls. A container whose code is done is
 * not asked for again: it may be gone by now, and the provider makes another one.
 */
export function containerOf({ request, target }: EncodeContext): string | undefined {
  const parts = request.messages.findLast(({ role }) => role === Role.ASSISTANT)?.parts ?? [];
  const isWaitedIn = parts.some((part) => {
    const isOurs = part.kind.case === "toolCall" && part.kind.value.executor !== Executor.PROVIDER;
    return isOurs && ownState(part, TOOL_USE_FORMAT, target)?.includes('"tool_id"');
  });
  const isDone = request.messages.at(-1)?.role === Role.ASSISTANT;
  if (!isWaitedIn || isDone) return undefined;
  return parts.map((part) => ownState(part, CONTAINER_FORMAT, target)).find((id) => id !== undefined);
}

function isInstruction(role: Role): boolean {
  return role === Role.SYSTEM || role === Role.DEVELOPER;
}

function instructions(context: EncodeContext, message: Message, field: string): WireObject[] {
  if (message.role === Role.DEVELOPER) {
    const reason = "the wire format does not tell developer messages from system messages";
    context.adaptations.addPart(`${field}.role`, "system", reason);
  }
  return contentParts(message.parts, `${field}.parts`, context);
}

function addUserTurn(
  context: EncodeContext,
  message: Message,
  field: string,
  callIds: CallIds,
  turns: WireTurns,
): void {
  const results: WireObject[] = [];
  const others: WireObject[] = [];
  for (const [index, part] of message.parts.entries()) {
    const path = `${field}.parts[${index}]`;
    stripCallersState(context, part, path);
    if (part.kind.case === "toolResult") results.push(wireResult(context, part, part.kind.value, path, callIds));
    else {
      const wire = wireContentPart(part, path, context);
      if (wire) others.push(wire);
    }
  }
  turns.addUser(results, others);
}

function wireResult(
  context: EncodeContext,
  part: Part,
  result: ToolResultPart,
  path: string,
  callIds: CallIds,
): WireObject {
  const content = contentParts(result.content, `${path}.tool_result.content`, context);
  const wire: WireObject = {
    type: "tool_result",
    tool_use_id: callIds.wire(result.callId, `${path}.tool_result`),
    content: content.length > 0 ? content : undefined,
    is_error: result.isError,
    toolset_name: toolsetOf(context, result.callId),
  };
  context.cacheMarks.add(wire, part.cacheBreakpoint, `${path}.cache_breakpoint`);
  return wire;
}

// The result of a tool out of a set names the set as the call did.
function toolsetOf({ request, target }: EncodeContext, callId: string): unknown {
  for (const { parts } of request.messages) {
    for (const part of parts) {
      if (part.kind.case !== "toolCall" || part.kind.value.callId !== callId || part.state.length === 0) continue;
      const more = ownState(part, TOOL_USE_FORMAT, target);
      return more === undefined ? undefined : objectMembers(more)?.get("toolset_name");
    }
  }
  return undefined;
}

function contentParts(parts: readonly Part[], path: string, context: EncodeContext): WireObject[] {
  const content: WireObject[] = [];
  for (const [index, part] of parts.entries()) {
    const field = `${path}[${index}]`;
    stripCallersState(context, part, field);
    const wire = wireContentPart(part, field, context);
    if (wire) content.push(wire);
  }
  return content;
}
