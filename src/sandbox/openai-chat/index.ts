import type { Endpoint, WireFormat } from "../wire-format.ts";
import { failure, failureJson } from "./errors.ts";
import { authorise, readRequest } from "./read.ts";
import { chunkEvents, responseBody } from "./write.ts";

const MODELS_PATH = "/v1/models";
// When the sandbox's models were made, as far as anybody needs to know: 2026-01-01.
const CREATED_SECONDS = 1_767_225_600;
const LIMIT_TOKENS = 150_000_000;

/** OpenAI's chat completions. Source: https://platform.openai.com/docs/api-reference/chat, and recorded answers. */
export const openaiChat: WireFormat = {
  id: "openai-chat",
  endpoint,
  authorise,
  read(body) {
    const { request, ask } = readRequest(body);
    return {
      ask,
      body: (answer, stamp) => responseBody(request, answer, stamp),
      events: (step, stamp) => chunkEvents(request, step, stamp),
    };
  },
  headers: (stamp) => ({
    "openai-organization": "sandbox",
    "openai-processing-ms": "1",
    "openai-version": "2020-10-01",
    "x-ratelimit-limit-requests": "30000",
    "x-ratelimit-limit-tokens": String(LIMIT_TOKENS),
    "x-ratelimit-remaining-requests": "29999",
    "x-ratelimit-remaining-tokens": String(LIMIT_TOKENS - stamp.inputTokens),
    "x-ratelimit-reset-requests": "2ms",
    "x-ratelimit-reset-tokens": "0s",
    "x-request-id": `req_${stamp.id}`,
  }),
  failure,
  failureEvent: (kind, about) => ({ data: failureJson(kind, about) }),
  ping: ": keep-alive\n\n",
  models: (ids) => JSON.stringify({ object: "list", data: ids.map(modelObject) }),
  model: (id) => JSON.stringify(modelObject(id)),
};

function endpoint(method: string, path: string): Endpoint | undefined {
  if (method === "POST" && path === "/v1/chat/completions") return { kind: "chat" };
  if (method === "GET" && path === MODELS_PATH) return { kind: "models" };
  if (method !== "GET" || !path.startsWith(`${MODELS_PATH}/`)) return undefined;
  return { kind: "model", id: decodeSegment(path.slice(MODELS_PATH.length + 1)) };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function modelObject(id: string): { id: string; object: "model"; created: number; owned_by: string } {
  return { id, object: "model", created: CREATED_SECONDS, owned_by: "sandbox" };
}
