import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ChatRequestSchema, Role, type ChatRequest } from "../../contract/index.ts";
import type { DialectTarget, EncodedRequest } from "../dialect.ts";
import { openaiChat } from "./index.ts";
import { targetWith } from "./target.fixture.ts";

/** What a test gives to make a request. */
export type RequestInit = Exclude<MessageInitShape<typeof ChatRequestSchema>, { $typeName: string }>;

/** A message that asks for nothing special. */
export const hello: NonNullable<RequestInit["messages"]> = [
  { role: Role.USER, parts: [{ kind: { case: "text", value: { text: "Hi" } } }] },
];

/** A request, with `hello` where no messages are given. */
export function requestOf(init: RequestInit): ChatRequest {
  return create(ChatRequestSchema, { model: "house/m1", messages: hello, ...init });
}

/** The encoded request. */
export function encode(init: RequestInit, target: DialectTarget = targetWith(), stream = false): EncodedRequest {
  return openaiChat.encode(requestOf(init), target, { stream });
}

/** The body of the encoded request. */
export function bodyOf(init: RequestInit, target?: DialectTarget, stream?: boolean): Record<string, unknown> {
  return JSON.parse(encode(init, target, stream).body) as Record<string, unknown>;
}

/** A function without parameters. */
export const tool = (name: string) => ({ kind: { case: "function", value: { name } } }) as const;
