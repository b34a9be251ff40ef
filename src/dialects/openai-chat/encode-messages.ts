import { Role, type Message, type Part, type ToolResultPart } from "../../contract/index.ts";
import { CallIds, participantName } from "./call-ids.ts";
import { encodeAssistant } from "./encode-assistant.ts";
import type { EncodeContext, WireObject } from "./encode-context.ts";
import { wireContent, wireContentPart } from "./encode-parts.ts";
import { stripCallersState } from "./provider-state.ts";

/** The conversation on the wire: one message of the contract may become several, because each tool result is its own. */
export function encodeMessages(context: EncodeContext): WireObject[] {
  const out = new MessageList(context);
  const callIds = new CallIds(context);
  const { system_role: systemRole, developer_role: developerRole, late_system_role: lateRole } = context.rules.settings;
  let begun = false;
  const roleOf = (role: string): string => (begun && lateRole === "user" ? lateRole : role);
  for (const [index, message] of context.request.messages.entries()) {
    const field = `messages[${index}]`;
    switch (message.role) {
      case Role.ASSISTANT:
        out.add(encodeAssistant(context, message, field, callIds));
        break;
      case Role.SYSTEM:
        out.add(encodeInstructions(context, message, field, roleOf(systemRole)));
        break;
      case Role.DEVELOPER:
        out.add(encodeInstructions(context, message, field, roleOf(developerRole)));
        break;
      default:
        encodeTurn(context, message, field, callIds, out);
    }
    begun ||= message.role !== Role.SYSTEM && message.role !== Role.DEVELOPER;
  }
  return out.finish();
}

// Media of tool results wait here until the run of tool messages is over, which nothing may interrupt.
class MessageList {
  readonly #context: EncodeContext;
  readonly #messages: WireObject[] = [];
  #hoisted: WireObject[] = [];

  constructor(context: EncodeContext) {
    this.#context = context;
  }

  add(message: WireObject): void {
    this.#flush();
    this.#push(message);
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
    this.#push({ role: "user", content: this.#hoisted });
    this.#hoisted = [];
  }

  #push(message: WireObject): void {
    const { rules, adaptations } = this.#context;
    const follows = message["role"] === "user" && this.#messages.at(-1)?.["role"] === "tool";
    if (follows && !rules.settings.user_after_tool) {
      const content = "OK.";
      const reason = "the provider takes no user message right after the result of a tool; an assistant's is between";
      adaptations.addPart("messages", { role: "assistant", content }, reason, rules.quirkOf.get("user_after_tool"));
      this.#messages.push({ role: "assistant", content });
    }
    this.#messages.push(message);
  }
}

function encodeInstructions(context: EncodeContext, message: Message, field: string, role: string): WireObject {
  const own = message.role === Role.SYSTEM ? "system" : "developer";
  if (role !== own) {
    const setting = role === "user" ? "late_system_role" : `${own}_role`;
    const reason = `the provider does not take ${own} messages here; it goes out as a ${role} message`;
    context.adaptations.addPart(`${field}.role`, role, reason, context.rules.quirkOf.get(setting));
  }
  const parts = contentParts(message.parts, field, context);
  return { role, content: wireContent(parts), name: participantName(context, message, field) };
}

function encodeTurn(context: EncodeContext, message: Message, field: string, callIds: CallIds, out: MessageList): void {
  const content: WireObject[] = [];
  for (const [index, part] of message.parts.entries()) {
    const path = `${field}.parts[${index}]`;
    stripCallersState(context, part, path);
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
    if (wire["type"] === "text" || context.rules.settings.tool_result_parts === "any") content.push(wire);
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
  if (first?.["type"] === "text") first["text"] = `Error: ${String(first["text"])}`;
  else content.unshift({ type: "text", text: "Error" });
  const reason = "the wire format has no mark for failed tools; the text says so";
  context.adaptations.addPart(field, "Error: …", reason);
}

function contentParts(parts: readonly Part[], field: string, context: EncodeContext): WireObject[] {
  const content: WireObject[] = [];
  for (const [index, part] of parts.entries()) {
    const path = `${field}.parts[${index}]`;
    stripCallersState(context, part, path);
    const wire = wireContentPart(part, path, context);
    if (wire) content.push(wire);
  }
  return content;
}
