import { fromJson, toBinary, type JsonObject } from "@bufbuild/protobuf";
import { GenerateRequestSchema, GenerateStreamRequestSchema } from "../src/contract/index.ts";

/** Any key of 16 characters or more may be the administrator's; this one guards a mock on loopback only. */
export const administratorKey = "bench-administrator-key-0001";
export const authorization = `Bearer ${administratorKey}`;

const system =
  "You are a careful assistant of a company's support desk. Answer in plain words, name the page of the manual that " +
  "you rely on, and say so when you do not know.";
const question =
  "My router blinks orange after the update of last night. What does that mean, and what shall I do first?";

/** A request body with the door it goes through. */
export interface BenchRequest {
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
}

function restBody(model: string, streams: boolean): JsonObject {
  const messages = [
    { role: "system", content: system },
    { role: "user", content: question },
  ];
  const streaming = streams ? { stream: true, stream_options: { include_usage: true } } : {};
  return { model, messages, temperature: 0.7, max_tokens: 256, ...streaming };
}

/** A chat request to the REST shim, about 0.4 KB, which the reference and the mock take as well. */
export function restRequest(model: string, streams: boolean): BenchRequest {
  const body = Buffer.from(JSON.stringify(restBody(model, streams)));
  return { path: "/v1/chat/completions", contentType: "application/json", body };
}

function contractRequest(model: string): JsonObject {
  const messages = [
    { role: "ROLE_SYSTEM", parts: [{ text: { text: system } }] },
    { role: "ROLE_USER", parts: [{ text: { text: question } }] },
  ];
  return { request: { model, messages, sampling: { temperature: 0.7, maxOutputTokens: 256 } } };
}

const generatePath = "/parley.v1.ChatService/Generate";

/** The same question as a unary Connect call in JSON. */
export function connectJsonRequest(model: string): BenchRequest {
  const body = Buffer.from(JSON.stringify(contractRequest(model)));
  return { path: generatePath, contentType: "application/json", body };
}

/** The same question as a unary Connect call in binary; its body is also the message of the gRPC call. */
export function connectBinaryRequest(model: string): BenchRequest {
  const message = fromJson(GenerateRequestSchema, contractRequest(model));
  return {
    path: generatePath,
    contentType: "application/proto",
    body: Buffer.from(toBinary(GenerateRequestSchema, message)),
  };
}

/** Puts a message into the envelope that gRPC and Connect streams share: not compressed, its length, itself. */
export function envelope(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

/** The same question as a streamed Connect call in binary. */
export function connectStreamRequest(model: string): BenchRequest {
  const message = fromJson(GenerateStreamRequestSchema, contractRequest(model));
  const body = envelope(toBinary(GenerateStreamRequestSchema, message));
  return { path: "/parley.v1.ChatService/GenerateStream", contentType: "application/connect+proto", body };
}

/** The whole HTTP/1.1 request, head and body, in the order in which it goes over the wire. */
export function http1Bytes(request: BenchRequest): Buffer {
  const head = [
    `POST ${request.path} HTTP/1.1`,
    "host: 127.0.0.1",
    `content-type: ${request.contentType}`,
    `content-length: ${request.body.length}`,
    `authorization: ${authorization}`,
    "user-agent: parley-bench",
    "accept: */*",
    ...(request.path.startsWith("/parley.") ? ["connect-protocol-version: 1"] : []),
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), request.body]);
}
