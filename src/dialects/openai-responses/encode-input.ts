import { Role, type Message, type Part, type ToolCallPart } from "../../contract/index.ts";
import { CallIds } from "./call-ids.ts";
import { AssistantItems } from "./encode-assistant.ts";
import type { Calls, EncodeContext, WireObject } from "./encode-context.ts";
import { isContentType, wireContent, wireContentPart } from "./encode-parts.ts";
import { encodeResult } from "./encode-results.ts";
import { objectOf } from "../json-field.ts";
import { stripCallersState } from "./provider-state.ts";

/** The conversation on the wire: a flat list of items, in which a message of the contract may be several. */
export function encodeInput(context: EncodeContext): WireObject[] {
  const items: WireObject[] = [];
  const callIds = new CallIds(context);
  const calls = callsOf(context);
  for (const [index, message] of context.request.messages.entries()) {
    const field = `messages[${index}]`;
    noteName(context, message, field);
    switch (message.role) {
      case Role.ASSISTANT:
        items.push(...new AssistantItems(context, message, field, callIds).encode(endsTurn(context, index)));
        break;
      case Role.SYSTEM:
        items.push(encodeInstructions(context, message, field, context.rules.settings.system_role));
        break;
      case Role.DEVELOPER:
        items.push(encodeInstructions(context, message, field, context.rules.settings.developer_role));
        break;
      default:
        items.push(...encodeTurn(context, message, field, callIds, calls));
    }
  }
  return items;
}

function callsOf({ request }: EncodeContext): Calls {
  const calls = new Map<string, ToolCallPart>();
  for (const message of request.messages) {
    for (const { kind } of message.parts) if (kind.case === "toolCall") calls.set(kind.value.callId, kind.value);
  }
  return calls;
}

function endsTurn({ request }: EncodeContext, index: number): boolean {
  return request.messages[index + 1]?.role !== Role.ASSISTANT;
}

function noteName(context: EncodeContext, message: Message, field: string): void {
  if (message.name === undefined) return;
  context.adaptations.addPart(`${field}.name`, undefined, "the wire format has no names of participants");
}

function encodeInstructions(context: EncodeContext, message: Message, field: string, role: string): WireObject {
  const own = message.role === Role.SYSTEM ? "system" : "developer";
  if (role !== own) {
    const setting = own === "system" ? "system_role" : "developer_role";
    const reason = `the provider does not tell ${own} messages from ${role} messages`;
    context.adaptations.addPart(`${field}.role`, role, reason, context.rules.quirkOf.get(setting));
  }
  const content: WireObject[] = [];
  for (const [index, part] of message.parts.entries()) {
    const path = `${field}.parts[${index}]`;
    stripCallersState(context, part, path);
    const wire = wireContentPart(part, path, context);
    if (wire) content.push(wire);
  }
  return { role, content: wireContent(content) };
}

// The parts of a user's or a tool's message keep their order: what stands between results is a message of its own.
function encodeTurn(
  context: EncodeContext,
  message: Message,
  field: string,
  callIds: CallIds,
  calls: Calls,
): WireObject[] {
  const items: WireObject[] = [];
  let content: WireObject[] = [];
  const flush = (): void => {
    if (content.length > 0) items.push({ role: "user", content: wireContent(content) });
    content = [];
  };
  for (const [index, part] of message.parts.entries()) {
    const path = `${field}.parts[${index}]`;
    stripCallersState(context, part, path);
    const item = standingItem(context, part, path, callIds, calls);
    if (item) {
      flush();
      items.push(item);
    } else {
      const wire = wireContentPart(part, path, context);
      if (wire) content.push(wire);
    }
  }
  flush();
  if (message.role === Role.USER && message.parts.length === 0) items.push({ role: "user", content: "" });
  return items;
}

function standingItem(
  context: EncodeContext,
  part: Part,
  path: string,
  callIds: CallIds,
  calls: Calls,
): WireObject | undefined {
  const { kind } = part;
  if (kind.case === "toolResult") return encodeResult(context, kind.value, path, callIds, calls);
  // A block in the wire's own words is an item, unless its type is one of content.
  if (kind.case !== "opaque" || isContentType(kind.value.nativeType)) return undefined;
  return objectOf(kind.value.json, `${path}.opaque.json`) as unknown as WireObject;
}
