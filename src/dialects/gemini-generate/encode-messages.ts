import { Executor, Role, type Message } from "../../contract/index.ts";
import { currentTurnStart, encodeAssistant } from "./encode-assistant.ts";
import type { EncodeContext, WireObject } from "./encode-context.ts";
import { wireContentPart } from "./encode-parts.ts";
import { encodeToolResult } from "./encode-results.ts";
import { CONTINUATION_FORMAT, ownState, stripCallersState } from "./provider-state.ts";

/** The conversation on the wire. */
export interface Conversation {
  readonly contents: readonly WireObject[];
  /** Parts of the instructions, which stand apart. */
  readonly system: readonly unknown[];
  /** Set where the last answer is to be gone on with: then the wire wants the request without that answer. */
  readonly continuationToken: string | undefined;
}

/** The conversation on the wire: instructions at its start stand apart, results of one step stand together. */
export function encodeMessages(context: EncodeContext): Conversation {
  const continued = continuedFrom(context);
  const messages = context.request.messages.slice(0, continued?.start);
  const instructions = messages.findIndex(({ role }) => !isInstruction(role));
  const leading = instructions < 0 ? messages.length : instructions;
  const system = messages.slice(0, leading).flatMap((message, index) => instructionParts(context, message, index));
  const out = new ContentList();
  const names = new Map<string, string>();
  const turnStart = currentTurnStart(context.request);
  for (const [offset, message] of messages.slice(leading).entries()) {
    const index = leading + offset;
    const field = `messages[${index}]`;
    noteName(context, message, field);
    if (message.role === Role.ASSISTANT) {
      noteCalls(message, names);
      out.add("model", encodeAssistant(context, message, field, index > turnStart));
    } else if (isInstruction(message.role)) out.addLate(lateInstruction(context, message, index));
    else encodeTurn(context, message, field, names, out);
  }
  const contents = out.finish();
  if (contents.length > 0 || system.length === 0) {
    return { contents, system, continuationToken: continued?.token };
  }
  const reason = "the wire format wants a turn beside the instructions; the last of them is sent as one";
  context.adaptations.addPart(`messages[${leading - 1}].role`, "user", reason);
  return {
    contents: [{ role: "user", parts: system.slice(-1) }],
    system: system.slice(0, -1),
    continuationToken: undefined,
  };
}

// An answer that stopped to be continued holds a token: the same request goes out again with the token alone.
function continuedFrom({
  request,
  target,
}: EncodeContext): { readonly start: number; readonly token: string } | undefined {
  let start = request.messages.length;
  let token: string | undefined;
  for (; start > 0; start--) {
    const message = request.messages[start - 1];
    const own = message?.parts
      .map((part) => ownState(part, CONTINUATION_FORMAT, target))
      .find((text) => text !== undefined);
    if (message?.role !== Role.ASSISTANT || own === undefined) break;
    token ??= own;
  }
  return token === undefined ? undefined : { start, token };
}

function isInstruction(role: Role): boolean {
  return role === Role.SYSTEM || role === Role.DEVELOPER;
}

function instructionParts(context: EncodeContext, message: Message, index: number): unknown[] {
  const field = `messages[${index}]`;
  noteName(context, message, field);
  if (message.role === Role.DEVELOPER) {
    const reason = "the wire format does not tell developer messages from system messages";
    context.adaptations.addPart(`${field}.role`, "system", reason);
  }
  return message.parts.flatMap((part, place) => {
    const path = `${field}.parts[${place}]`;
    stripCallersState(context, part, path);
    return wireContentPart(part, path, context) ?? [];
  });
}

function lateInstruction(context: EncodeContext, message: Message, index: number): unknown[] {
  const parts = instructionParts(context, message, index) as WireObject[];
  const reason = "the wire format has instructions at its start only; in its place the user says it, marked as such";
  context.adaptations.addPart(`messages[${index}].role`, "user", reason);
  return parts.map(({ text }) => ({ text: `<system>\n${String(text)}\n</system>` }));
}

function encodeTurn(
  context: EncodeContext,
  message: Message,
  field: string,
  names: ReadonlyMap<string, string>,
  out: ContentList,
): void {
  const parts: unknown[] = [];
  for (const [index, part] of message.parts.entries()) {
    const path = `${field}.parts[${index}]`;
    stripCallersState(context, part, path);
    if (part.kind.case === "toolResult") {
      out.addResult(encodeToolResult(context, part.kind.value, path, names));
    } else {
      const wire = wireContentPart(part, path, context);
      if (wire !== undefined) parts.push(wire);
    }
  }
  if (message.role === Role.USER) out.add("user", parts);
}

function noteName({ adaptations }: EncodeContext, message: Message, field: string): void {
  if (message.name === undefined) return;
  adaptations.addPart(`${field}.name`, undefined, "the wire format has no names of participants");
}

function noteCalls(message: Message, names: Map<string, string>): void {
  for (const { kind } of message.parts) {
    if (kind.case === "toolCall" && kind.value.executor !== Executor.PROVIDER) {
      names.set(kind.value.callId, kind.value.name);
    }
  }
}

// The service wants the results of a step in one content, right after the calls: a late instruction waits for what
// follows them.
class ContentList {
  readonly #contents: WireObject[] = [];
  #results: unknown[] | undefined;
  #late: unknown[][] = [];

  add(role: string, parts: readonly unknown[]): void {
    if (parts.length === 0) return;
    this.#flush();
    this.#contents.push({ role, parts });
  }

  addResult(part: unknown): void {
    if (!this.#results) {
      this.#results = [];
      this.#contents.push({ role: "user", parts: this.#results });
    }
    this.#results.push(part);
  }

  addLate(parts: unknown[]): void {
    if (parts.length > 0) this.#late.push(parts);
  }

  finish(): WireObject[] {
    this.#flush();
    return this.#contents;
  }

  #flush(): void {
    this.#results = undefined;
    for (const parts of this.#late) this.#contents.push({ role: "user", parts });
    this.#late = [];
  }
}
