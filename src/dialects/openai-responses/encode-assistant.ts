import { Executor, TextPhase, type Message, type Part, type ToolCallPart } from "../../contract/index.ts";
import { base64Of } from "../media-source.ts";
import { objectOf } from "../json-field.ts";
import { objectMembers, type RawJson } from "../json-text.ts";
import { notPortableTo } from "../origin-rules.ts";
import type { CallIds } from "./call-ids.ts";
import { DIALECT_ID, type EncodeContext, type WireObject } from "./encode-context.ts";
import { isContentType, noteIgnored } from "./encode-parts.ts";
import { goesBackWithoutId, nativeCall } from "./item-kinds.ts";
import { encodeReasoningItem } from "./reasoning-history.ts";
import { ITEM_FORMAT, MEMBERS_FORMAT, isFrom, ownState, stripForeignState } from "./provider-state.ts";

const PHASES: Readonly<Record<number, string>> = {
  [TextPhase.COMMENTARY]: "commentary",
  [TextPhase.FINAL_ANSWER]: "final_answer",
};

interface OpenMessage {
  readonly id: string | undefined;
  readonly phase: string | undefined;
  readonly content: WireObject[];
  readonly members: WireObject;
}

/** The items of an earlier turn of the model, in the order in which it made them. */
export class AssistantItems {
  readonly #context: EncodeContext;
  readonly #message: Message;
  readonly #field: string;
  readonly #callIds: CallIds;
  readonly #items: WireObject[] = [];
  #open: OpenMessage | undefined;

  constructor(context: EncodeContext, message: Message, field: string, callIds: CallIds) {
    this.#context = context;
    this.#message = message;
    this.#field = field;
    this.#callIds = callIds;
  }

  /** All of them; `endsTurn` unless another message of the model follows. */
  encode(endsTurn: boolean): WireObject[] {
    const { parts } = this.#message;
    for (const [index, part] of parts.entries()) {
      const path = `${this.#field}.parts[${index}]`;
      stripForeignState(this.#context, part, path);
      noteIgnored(this.#context, part, path);
      this.#add(part, path);
    }
    this.#flush();
    if (parts.length === 0) this.#items.push({ role: "assistant", content: "" });
    if (endsTurn) this.#dropTrailingReasoning();
    return this.#items;
  }

  #add(part: Part, path: string): void {
    const { kind } = part;
    switch (kind.case) {
      case "text":
        this.#say(part, { type: "output_text", text: kind.value.text }, PHASES[kind.value.phase]);
        return;
      case "refusal":
        this.#say(part, { type: "refusal", refusal: kind.value.text }, undefined);
        return;
      case "reasoning":
        this.#push(encodeReasoningItem(this.#context, this.#message, part, path));
        return;
      case "toolCall":
        this.#addCall(part, kind.value, path);
        return;
      case "toolResult":
        this.#addResult(part, kind.value.callId, path);
        return;
      case "media":
        this.#addPicture(part, path);
        return;
      case "opaque":
        this.#addOpaque(part, path);
        return;
      default:
        return;
    }
  }

  // Pieces of one item of the wire share its id.
  #say(part: Part, content: WireObject, phase: string | undefined): void {
    const open = this.#open;
    if (open && open.id === part.id && (phase ?? open.phase) === open.phase) {
      open.content.push(content);
      return;
    }
    this.#flush();
    this.#open = { id: part.id, phase, content: [content], members: this.#members(part) };
  }

  #flush(): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    const [first] = open.content;
    const isBareText = open.content.length === 1 && first?.["type"] === "output_text";
    const content = isBareText ? first["text"] : open.content;
    this.#items.push({ role: "assistant", content, phase: open.phase, ...open.members });
  }

  #push(item: WireObject | RawJson | undefined): void {
    if (!item) return;
    this.#flush();
    this.#items.push(item as WireObject);
  }

  #addCall(part: Part, call: ToolCallPart, path: string): void {
    const own = ownState(part, ITEM_FORMAT, this.#context.target);
    const native = call.nativeType === undefined ? undefined : nativeCall(call.nativeType);
    if (own !== undefined) {
      // A picture's call goes out with the picture.
      if (call.nativeType !== "image_generation_call" || !this.#hasPicture(part)) this.#push(itemOf(own, path));
    } else if (call.executor === Executor.PROVIDER) {
      const reason = "calls of tools that the provider ran go back only to the model that made them, with their state";
      this.#context.adaptations.addPart(path, undefined, reason);
    } else if (native?.input !== undefined) this.#push(this.#rebuilt(call, native.input, path));
    else this.#push(this.#plainCall(part, call, path));
  }

  #plainCall(part: Part, call: ToolCallPart, path: string): WireObject {
    const call_id = this.#callIds.wire(call.callId, `${path}.tool_call`);
    const { name, input } = call;
    const own = this.#members(part);
    return input.case === "text"
      ? { type: "custom_tool_call", call_id, name, input: input.value, ...own }
      : { type: "function_call", call_id, name, arguments: input.value ?? "{}", ...own };
  }

  // A call in a shape of its own whose state was lost, from what the contract tells.
  #rebuilt(call: ToolCallPart, member: string, path: string): WireObject {
    const text = call.input.case === "argumentsJson" ? call.input.value : "{}";
    const value = objectOf(text, `${path}.tool_call.arguments_json`);
    const call_id = this.#callIds.wire(call.callId, `${path}.tool_call`);
    const execution = call.nativeType === "tool_search_call" ? "client" : undefined;
    return { type: call.nativeType, call_id, execution, [member]: value, status: "completed" };
  }

  #addResult(part: Part, callId: string, path: string): void {
    const own = ownState(part, ITEM_FORMAT, this.#context.target);
    if (own !== undefined) this.#push(itemOf(own, path));
    else if (!this.#isToldByCall(callId)) {
      this.#context.adaptations.addPart(path, undefined, "results of tools that the provider ran cannot be sent back");
    }
  }

  #isToldByCall(callId: string): boolean {
    return this.#message.parts.some(
      (part) =>
        part.kind.case === "toolCall" &&
        part.kind.value.callId === callId &&
        ownState(part, ITEM_FORMAT, this.#context.target) !== undefined,
    );
  }

  #hasPicture({ id }: Part): boolean {
    return this.#message.parts.some(
      (part) => part.kind.case === "media" && part.kind.value.generatedId === id && this.#isOwnPicture(part),
    );
  }

  #isOwnPicture(part: Part): boolean {
    if (part.kind.case !== "media" || part.kind.value.source.case !== "inline") return false;
    return (
      ownState(part, ITEM_FORMAT, this.#context.target) !== undefined ||
      isFrom(this.#message.origin, this.#context.target)
    );
  }

  #addPicture(part: Part, path: string): void {
    if (part.kind.case !== "media") return;
    const { generatedId } = part.kind.value;
    if (!this.#isOwnPicture(part)) {
      const reason = notPortableTo("a generated picture", this.#message.origin, this.#context.target);
      this.#context.adaptations.addPart(path, undefined, reason);
      return;
    }
    const call = this.#message.parts.find(({ id, kind }) => kind.case === "toolCall" && id === generatedId);
    const own = call && ownState(call, ITEM_FORMAT, this.#context.target);
    const members = own === undefined ? undefined : objectMembers(own);
    const told =
      members ??
      new Map<string, unknown>([
        ["type", "image_generation_call"],
        ["id", generatedId],
      ]);
    this.#push({ ...Object.fromEntries(told), status: "completed", result: base64Of(part.kind.value) });
  }

  #addOpaque(part: Part, path: string): void {
    if (part.kind.case !== "opaque") return;
    const { origin, nativeType, json } = part.kind.value;
    if (origin?.dialect !== DIALECT_ID || !isFrom(origin, this.#context.target)) {
      this.#context.adaptations.addPart(path, undefined, notPortableTo("a block", origin, this.#context.target));
      return;
    }
    const item = itemOf(json, path);
    this.#push(isContentType(nativeType) ? { role: "assistant", content: [item] } : item);
  }

  #members(part: Part): WireObject {
    const text = ownState(part, MEMBERS_FORMAT, this.#context.target);
    return text === undefined ? {} : Object.fromEntries(objectMembers(text) ?? []);
  }

  // The format wants something after reasoning that came of it: an answer that was cut while it reasoned has nothing.
  #dropTrailingReasoning(): void {
    let dropped = false;
    while (this.#items.at(-1)?.["type"] === "reasoning") {
      this.#items.pop();
      dropped = true;
    }
    if (!dropped) return;
    const reason = "reasoning that nothing came of cannot be sent back";
    this.#context.adaptations.addPart(`${this.#field}.parts`, undefined, reason);
  }
}

/** An item as it was received, without the id that would make the provider look for it where it is not kept. */
function itemOf(json: string, path: string): WireObject | RawJson {
  const raw = objectOf(json, `${path}.state`);
  const members = objectMembers(json);
  const type: unknown = JSON.parse(members?.get("type")?.text ?? '""');
  if (!members?.has("id") || typeof type !== "string" || !goesBackWithoutId(type)) return raw;
  members.delete("id");
  return Object.fromEntries(members);
}
