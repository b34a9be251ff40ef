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
import { openaiResponses } from "./index.ts";
import { targetWith } from "./target.fixture.ts";
import type { ResponsesRequest } from "./wire.ts";

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
/** The origin of what the test target made. */
export const mine = { provider: "house", dialect: "openai-responses", model: "m1" };
/** The origin of what another provider made. */
export const foreign = { provider: "other", dialect: "gemini-generate", model: "g1" };
/** State of a part. */
export const state = (format: string, value: string, origin = mine): NonNullable<PartInit["state"]> => [
  { origin, format: `openai-responses.${format}`, payload: { case: "text", value } },
];
/** A message of the user. */
export const user = (...parts: PartInit[]): MessageInit => ({ role: Role.USER, parts });
/** A message of the model. */
export const assistant = (...parts: PartInit[]): MessageInit => ({ role: Role.ASSISTANT, parts });
/** A message of results. */
export const tools = (...parts: PartInit[]): MessageInit => ({ role: Role.TOOL, parts });

function requestOf(init: RequestInit): ChatRequest {
  return create(ChatRequestSchema, { model: "house/m1", messages: [user(text("Hi"))], ...init });
}

/** The encoded request. */
export function encode(init: RequestInit, target: DialectTarget = targetWith(), stream = false): EncodedRequest {
  return openaiResponses.encode(requestOf(init), target, { stream });
}

/** The body of the encoded request. */
export function bodyOf(init: RequestInit, target?: DialectTarget, stream?: boolean): ResponsesRequest {
  return JSON.parse(encode(init, target, stream).body) as ResponsesRequest;
}

/** The items that messages become. */
export function inputOf(messages: MessageInit[], target?: DialectTarget): unknown {
  return bodyOf({ messages }, target)["input"];
}

/** The fields that are adapted, and why. */
export function adaptationsOf(init: RequestInit, target?: DialectTarget): string[] {
  return encode(init, target).adaptations.map(({ field, reason }) => `${field}: ${reason}`);
}

/** The fields that the target cannot honour. */
export function refusedFields(init: RequestInit, target: DialectTarget = targetWith()): string[] {
  return openaiResponses.unsupported(requestOf(init), target).map(({ field }) => field);
}
