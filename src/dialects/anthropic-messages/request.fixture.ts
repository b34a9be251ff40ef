import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ChatRequestSchema, Role, type ChatRequest } from "../../contract/index.ts";
import type { DialectTarget, EncodedRequest } from "../dialect.ts";
import { anthropicMessages } from "./index.ts";
import { targetWith } from "./target.fixture.ts";

/** What a test gives to make a request. */
export type RequestInit = Exclude<MessageInitShape<typeof ChatRequestSchema>, { $typeName: string }>;

type Messages = NonNullable<RequestInit["messages"]>;

/** A message of texts. */
export function say(role: Role, ...texts: readonly string[]): Messages[number] {
  return { role, parts: texts.map((text) => ({ kind: { case: "text", value: { text } } })) };
}

/** A message that asks for nothing special. */
export const hello: Messages = [say(Role.USER, "Hi")];

/** A request, with `hello` where no messages are given. */
export function requestOf(init: RequestInit): ChatRequest {
  return create(ChatRequestSchema, { model: "house/m1", messages: hello, ...init });
}

/** The encoded request. */
export function encode(init: RequestInit, target: DialectTarget = targetWith(), stream = false): EncodedRequest {
  return anthropicMessages.encode(requestOf(init), target, { stream });
}

/** A block on the wire, as far as tests look into it. */
export type WireBlock = Record<string, unknown> & { readonly cache_control?: unknown };

/** A body on the wire, as far as tests look into it. */
export interface WireBody {
  readonly [member: string]: unknown;
  readonly system?: readonly WireBlock[];
  readonly tools?: readonly WireBlock[];
  readonly messages: readonly { readonly role: string; readonly content: readonly WireBlock[] }[];
}

/** The body of the encoded request. */
export function bodyOf(init: RequestInit, target?: DialectTarget, stream?: boolean): WireBody {
  return JSON.parse(encode(init, target, stream).body) as WireBody;
}

/** The fields that the target cannot honour. */
export function refusedFields(init: RequestInit, target: DialectTarget = targetWith()): string[] {
  return anthropicMessages.unsupported(requestOf(init), target).map(({ field }) => field);
}

/** What was told of a request: fields, what was asked for, and what is sent instead. */
export function told(init: RequestInit, target?: DialectTarget): unknown[] {
  return encode(init, target).adaptations.map(({ field, requestedJson, appliedJson }) => [
    field,
    requestedJson,
    appliedJson,
  ]);
}

/** A function without parameters. */
export const tool = (name: string) => ({ kind: { case: "function", value: { name } } }) as const;
