import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ChatRequestSchema,
  Modality,
  Role,
  type ChatRequest,
  type MessageSchema,
  type PartSchema,
} from "../../contract/index.ts";
import type { DialectTarget, EncodedRequest } from "../dialect.ts";
import { geminiGenerate } from "./index.ts";
import { targetWith } from "./target.fixture.ts";
import type { GenerateContentRequest } from "./wire.ts";

/** What a test gives to make a request. */
export type RequestInit = Exclude<MessageInitShape<typeof ChatRequestSchema>, { $typeName: string }>;
/** A message for tests. */
export type MessageInit = Exclude<MessageInitShape<typeof MessageSchema>, { $typeName: string }>;
/** A part for tests. */
export type PartInit = Exclude<MessageInitShape<typeof PartSchema>, { $typeName: string }>;

/** A text part. */
export const text = (value: string): PartInit => ({ kind: { case: "text", value: { text: value } } });
/** An image by address. */
export const image = (value = "https://a/b.png"): PartInit => ({
  kind: { case: "media", value: { modality: Modality.IMAGE, mimeType: "image/png", source: { case: "url", value } } },
});
/** A call of a function. */
export const call = (callId: string, name = "f", argumentsJson = "{}"): PartInit => ({
  kind: { case: "toolCall", value: { callId, name, input: { case: "argumentsJson", value: argumentsJson } } },
});
/** The result of a tool. */
export const result = (callId: string, content: PartInit[] = [], isError = false): PartInit => ({
  kind: { case: "toolResult", value: { callId, content, ...(isError ? { isError } : {}) } },
});
/** A state that the test target made, or `origin`. */
export const state = (value: string, origin: object = mine, format = "gemini-generate.thought_signature") => [
  { origin, format, payload: { case: "text" as const, value } },
];
/** The origin of what the test target made. */
export const mine = { provider: "house", dialect: "gemini-generate", model: "m1" };
/** The origin of what another provider made. */
export const foreign = { provider: "other", dialect: "openai-chat", model: "g1" };

/** A message of the user. */
export const user = (...parts: PartInit[]): MessageInit => ({ role: Role.USER, parts });
/** A message of the model. */
export const assistant = (...parts: PartInit[]): MessageInit => ({ role: Role.ASSISTANT, parts });
/** A message of results. */
export const tools = (...parts: PartInit[]): MessageInit => ({ role: Role.TOOL, parts });
/** Instructions. */
export const system = (...parts: PartInit[]): MessageInit => ({ role: Role.SYSTEM, parts });

/** A request, with a greeting where no messages are given. */
export function requestOf(init: RequestInit): ChatRequest {
  return create(ChatRequestSchema, { model: "house/m1", messages: [user(text("Hi"))], ...init });
}

/** The encoded request. */
export function encode(init: RequestInit, target: DialectTarget = targetWith(), stream = false): EncodedRequest {
  return geminiGenerate.encode(requestOf(init), target, { stream });
}

/** The body of the encoded request. */
export function bodyOf(init: RequestInit, target?: DialectTarget): Record<string, unknown> {
  return JSON.parse(encode(init, target).body) as Record<string, unknown>;
}

/** The conversation of the encoded request, and what was adapted. */
export function encodeMessages(messages: MessageInit[], target?: DialectTarget) {
  const { body, adaptations } = encode({ messages }, target);
  const { contents, systemInstruction } = JSON.parse(body) as GenerateContentRequest;
  return { contents, systemInstruction, adaptations, body };
}

/** The fields that the target cannot honour. */
export function unsupportedFields(init: RequestInit, target: DialectTarget = targetWith()): string[] {
  return geminiGenerate.unsupported(requestOf(init), target).map(({ field }) => field);
}

/** A function without parameters. */
export const tool = (name: string, more: object = {}) =>
  ({ kind: { case: "function", value: { name, ...more } } }) as const;
