import { Role, type Message, type Part, type ToolResultPart } from "../../contract/index.ts";
import { CallIds, participantName } from "./call-ids.ts";
import { encodeAssistant } from "./encode-assistant.ts";
import type { EncodeContext, WireObject } from "./encode-context.ts";
import { wireContent, wireContentPart } from "./encode-parts.ts";
import { stripForeignState } from "./provider-state.ts";

/** The conversation on the wire: one message of the contract may become several, because each tool result is its own. */
export function encodeMessages(context: EncodeContext): WireObject[] {
  const out = new MessageList();
  const callIds = new CallIds(context);
  for (const [index, message] of context.request.messages.entries()) {
    const field = `messages[${index}]`;
    switch (message.role) {
      case Role.ASSISTANT:
        out.add(encodeAssistant(context, message, field, callIds));
        break;
      case Role.SYSTEM:
        out.add(encodeInstructions(context, message, field, context.rules.settings.system_role));
        break;
      case Role.DEVELOPER:
        out.add(encodeInstructions(context, message, field, context.rules.settings.developer_role));
        break;
      default:
        encodeTurn(context, message, field, callIds, out);
    }
  }
  return out.finish();
}

// Media of tool results wait here until the run of tool messages is over, which nothing may interrupt.
class MessageList {
  readonly #messages: WireObject[] = [];
  #hoisted: WireObject[] = [];

  add(message: WireObject): void {
    this.#flush();
    this.#messages.push(message);
  }

  addToolResult(message: WireObject, hoisted: readonly WireObject[]): void {
    this.#messages.push(message);
    this.#hoisted.push(...hoisted);
  }

  finish(): WireObject[] {
    this.#flush();
    return this.#messages;
  }

  #flush(): void {
    if (this.#hoisted.length === 0) return;
    this.#messages.push({ role: "user", content: this.#hoisted });
    this.#hoisted = [];
  }
}

function encodeInstructions(context: EncodeContext, message: Message, field: string, role: string): WireObject {
  const own = message.role === Role.SYSTEM ? "system" : "developer";
  if (role !== own) {
    const setting = own === "system" ? "system_role" : "developer_role";
    const reason = `the provider does not tell ${own} messages from ${role} messages`;
    context.adaptations.addPart(`${field}.role`, role, reason, context.rules.quirkOf.get(setting));
  }
  const parts = contentParts(message.parts, field, context);
  return { role, content: wireContent(parts), name: participantName(context, message, field) };
}

function encodeTurn(context: EncodeContext, message: Message, field: string, callIds: CallIds, out: MessageList): void {
  const content: WireObject[] = [];
  for (const [index, part] of message.parts.entries()) {
    const path = `${field}.parts[${index}]`;
    stripForeignState(context, part, path);
    if (part.kind.case === "toolResult") encodeToolResult(context, part.kind.value, path, callIds, out);
    else {
      const wire = wireContentPart(part, path, context);
      if (wire) content.push(wire);
    }
  }
  if (message.role !== Role.USER || (content.length === 0 && message.parts.length > 0)) return;
  out.add({ role: "user", content: wireContent(content), name: participantName(context, message, field) });
}

function encodeToolResult(
  context: EncodeContext,
  result: ToolResultPart,
  field: string,
  callIds: CallIds,
  out: MessageList,
): void {
  const content: WireObject[] = [];
  const hoisted: WireObject[] = [];
  for (const [index, part] of result.content.entries()) {
    const path = `${field}.tool_result.content[${index}]`;
    const wire = wireContentPart(part, path, context);
    if (!wire) continue;
    if (wire["type"] === "text") content.push(wire);
    else {
      const reason = "the wire format has text only in tool results; it follows in a user message";
      context.adaptations.addPart(path, undefined, reason);
      hoisted.push(wire);
    }
  }
  const id = callIds.wire(result.callId, `${field}.tool_result`);
  if (result.isError === true) markError(context, content, `${field}.tool_result.is_error`);
  if (hoisted.length > 0) {
    if (content.length === 0) content.push({ type: "text", text: "The result is in the user message that follows." });
    hoisted.unshift({ type: "text", text: `From the result of tool call ${id}:` });
  }
  out.addToolResult({ role: "tool", tool_call_id: id, content: wireContent(content) }, hoisted);
}

function markError(context: EncodeContext, content: WireObject[], field: string): void {
  const [first] = content;
  if (first) first["text"] = `Error: ${String(first["text"])}`;
  else content.push({ type: "text", text: "Error" });
  const reason = "the wire format has no mark for failed tools; the text says so";
  context.adaptations.addPart(field, "Error: …", reason);
}

function contentParts(parts: readonly Part[], field: string, context: EncodeContext): WireObject[] {
  const content: WireObject[] = [];
  for (const [index, part] of parts.entries()) {
    const path = `${field}.parts[${index}]`;
    stripForeignState(context, part, path);
    const wire = wireContentPart(part, path, context);
    if (wire) content.push(wire);
  }
  return content;
}
