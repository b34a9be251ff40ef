import { hash } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  Executor,
  MessageSchema,
  Role,
  textPart,
  type ChatRequest,
  type Message,
  type Part,
} from "../contract/index.ts";
import type { ChatCall } from "./call.ts";
import { carriesState } from "./strip-state.ts";

/** Where state waits for callers whose format cannot carry it; see `StateVault`. */
export interface StatePort {
  put(keyId: string, id: string, bytes: Uint8Array): void;
  get(keyId: string, id: string): Uint8Array | undefined;
  delete(keyId: string, id: string): void;
}

/**
 * Gives a conversation the provider state back that its client has dropped: signatures and encrypted reasoning, found by
 * the ids of the tool calls or by the text of the answer they came with. What the caller sent itself is left as it is.
 */
export function recall(vault: StatePort, call: ChatCall): void {
  if (call.carriesState) return;
  for (const message of call.request.messages) {
    if (message.role !== Role.ASSISTANT || message.parts.some((part) => part.state.length > 0)) continue;
    const kept = idsOf(message.parts).map((id) => vault.get(call.caller.keyId, id));
    const bytes = kept.find((one) => one !== undefined);
    if (bytes) message.parts = merge(message, fromBinary(MessageSchema, bytes));
  }
}

/** Keeps the state of an answer for a caller who cannot carry it, unless the request forbids that anything is kept. */
export function remember(vault: StatePort, call: ChatCall, parts: readonly Part[]): void {
  if (call.carriesState || call.request.routing?.constraints?.zeroRetention === true) return;
  if (!parts.some((part) => part.state.length > 0)) return;
  const message = create(MessageSchema, { role: Role.ASSISTANT, parts: parts.filter(isStateful).map(withoutContent) });
  const bytes = toBinary(MessageSchema, message);
  for (const id of idsOf(parts)) vault.put(call.caller.keyId, id, bytes);
}

/**
 * Drops what was kept of a conversation whose provider has refused it and answered `sent`, which is without it: else every
 * further turn of a client that cannot carry state would be refused first.
 */
export function forget(vault: StatePort, call: ChatCall, sent: ChatRequest): void {
  if (call.carriesState || !carriesState(call.request) || carriesState(sent)) return;
  for (const { role, parts } of call.request.messages) {
    if (role !== Role.ASSISTANT) continue;
    for (const id of idsOf(parts)) vault.delete(call.caller.keyId, id);
  }
}

function isStateful(part: Part): boolean {
  return part.state.length > 0 || part.kind.case === "reasoning";
}

/** What an answer is found by: each of its calls, or where it has none its text. */
function idsOf(parts: readonly Part[]): string[] {
  const calls = parts.flatMap((part) =>
    part.kind.case === "toolCall" && part.kind.value.executor !== Executor.PROVIDER
      ? [`call:${part.kind.value.callId}`]
      : [],
  );
  if (calls.length > 0) return calls;
  const text = parts.map(textOf).join("");
  return text === "" ? [] : [`text:${digest(text)}`];
}

function textOf(part: Part): string {
  return part.kind.case === "text" ? part.kind.value.text : "";
}

function digest(text: string): string {
  return hash("sha256", text, "base64url");
}

// The vault keeps state and reasoning, not answers: a text is known by its digest, a call by its id.
function withoutContent(part: Part): Part {
  if (part.kind.case === "text") {
    const { text } = part.kind.value;
    return { ...textPart(text === "" ? "" : digest(text)), state: part.state };
  }
  if (part.kind.case !== "toolCall") return part;
  return { ...part, kind: { case: "toolCall", value: { ...part.kind.value, input: { case: undefined } } } };
}

/**
 * The message's parts with what was kept: reasoning first, state on the very part it came with. The state of a text that
 * the client has not sent back is lost with it: what is kept of the text is no text.
 */
function merge(message: Message, kept: Message): Part[] {
  const merged: Part[] = message.parts.filter((part) => part.kind.case !== "reasoning");
  const added: Part[] = [];
  for (const part of kept.parts) {
    const owner = merged.find((one) => isSame(one, part));
    if (owner) owner.state = part.state;
    else if (textOf(part) === "") added.push(part);
  }
  return [...added, ...merged];
}

function isSame(part: Part, kept: Part): boolean {
  if (part.kind.case === "toolCall" && kept.kind.case === "toolCall") {
    return part.kind.value.callId === kept.kind.value.callId;
  }
  if (part.kind.case !== "text" || kept.kind.case !== "text") return false;
  return kept.kind.value.text !== "" && digest(part.kind.value.text) === kept.kind.value.text;
}
