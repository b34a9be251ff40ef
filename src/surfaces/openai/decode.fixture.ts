import { toJson } from "@bufbuild/protobuf";
import { ChatRequestSchema, type ChatRequest } from "../../contract/index.ts";
import { decodeRequest, type DecodedRequest } from "./decode-request.ts";

// What the tests of decoding share. Only tests import it.

/** A message to have one. */
export const USER = { role: "user", content: "hi" };

/** Decodes a body: an object, or JSON text. */
export function decode(body: object | string): DecodedRequest {
  return decodeRequest(Buffer.from(typeof body === "string" ? body : JSON.stringify(body)), { maxDepth: 32 });
}

/** A decoded request as the contract's JSON, without the model. */
export function json(request: ChatRequest): Record<string, unknown> {
  const { model: _model, ...others } = toJson(ChatRequestSchema, request, { useProtoFieldName: true }) as Record<
    string,
    unknown
  >;
  return others;
}

/** What these fields of a request become, as the contract's JSON. */
export function decoded(fields: object): Record<string, unknown> {
  return json(decode({ model: "m", messages: [USER], ...fields }).request);
}

/** What these messages become, as the contract's JSON. */
export function messages(...list: object[]): unknown {
  return decoded({ messages: list })["messages"];
}
