import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ChatRequestSchema, Modality, Role, type MessageSchema, type PartSchema } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { openaiChat } from "./index.ts";
import { targetWith } from "./target.fixture.ts";

/** A message for tests. */
export type MessageInit = Exclude<MessageInitShape<typeof MessageSchema>, { $typeName: string }>;
/** A part for tests. */
export type PartInit = Exclude<MessageInitShape<typeof PartSchema>, { $typeName: string }>;

/** A text part. */
export const text = (value: string): PartInit => ({ kind: { case: "text", value: { text: value } } });
/** An image by address. */
export const image = (value = "https://a/b.png"): PartInit => ({
  kind: { case: "media", value: { modality: Modality.IMAGE, source: { case: "url", value } } },
});
/** A call of a function. */
export const call = (callId: string, name = "f", argumentsJson = "{}"): PartInit => ({
  kind: { case: "toolCall", value: { callId, name, input: { case: "argumentsJson", value: argumentsJson } } },
});
/** The result of a tool. */
export const result = (callId: string, content: PartInit[], isError = false): PartInit => ({
  kind: { case: "toolResult", value: { callId, content, ...(isError ? { isError } : {}) } },
});
/** A call as the wire has it. */
export const wireCall = (id: string, args = "{}") => ({
  id,
  type: "function",
  function: { name: "f", arguments: args },
});
/** The origin of what the test target made. */
export const mine = { provider: "house", dialect: "openai-chat", model: "m1" };
/** The origin of what another provider made. */
export const foreign = { provider: "other", dialect: "gemini-generate", model: "g1" };

/** The messages of the encoded request. */
export function encodeMessages(messages: MessageInit[], target: DialectTarget = targetWith()) {
  const request = create(ChatRequestSchema, { model: "house/m1", messages });
  const { body, adaptations } = openaiChat.encode(request, target, { stream: false });
  return { messages: (JSON.parse(body) as { messages: unknown[] }).messages, adaptations, body };
}

/** A message of the user. */
export const user = (...parts: PartInit[]): MessageInit => ({ role: Role.USER, parts });
/** A message of the model. */
export const assistant = (...parts: PartInit[]): MessageInit => ({ role: Role.ASSISTANT, parts });
/** A message of results. */
export const tools = (...parts: PartInit[]): MessageInit => ({ role: Role.TOOL, parts });
