import type { IncomingHttpHeaders } from "node:http";
import { decodeSegment } from "../path-segment.ts";
import { type Endpoint, Refusal, type Stamp } from "../wire-format.ts";
import { failure, refuse } from "./errors.ts";

// What OpenAI's APIs have in common whatever the wire format: keys, headers, lists of models.

const MODELS_PATH = "/v1/models";
// When the sandbox's models were made, as far as anybody needs to know: 2026-01-01.
const CREATED_SECONDS = 1_767_225_600;
const LIMIT_TOKENS = 150_000_000;

/** Throws `Refusal` unless the request carries a key that is not `invalid`. */
export function authorise(headers: IncomingHttpHeaders): void {
  const [scheme, key] = (headers.authorization ?? "").split(" ");
  if (scheme?.toLowerCase() !== "bearer" || !key) {
    const message =
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
      "(i.e. Authorization: Bearer YOUR_KEY).";
    refuse(null, null, message, 401);
  }
  if (key === "invalid") throw new Refusal(failure("invalid_key", { model: "" }));
}

/** Headers that every answer has, failures included. */
export function serviceHeaders(stamp: Stamp): Readonly<Record<string, string>> {
  return {
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
  };
}

/** What a request line asks for, `chatPath` being where the format answers. */
export function serviceEndpoint(chatPath: string, method: string, path: string): Endpoint | undefined {
  if (method === "POST" && path === chatPath) return { kind: "chat" };
  if (method === "GET" && path === MODELS_PATH) return { kind: "models" };
  if (method !== "GET" || !path.startsWith(`${MODELS_PATH}/`)) return undefined;
  return { kind: "model", id: decodeSegment(path.slice(MODELS_PATH.length + 1)) };
}

/** A model as lists name it. */
export function modelObject(id: string): { id: string; object: "model"; created: number; owned_by: string } {
  return { id, object: "model", created: CREATED_SECONDS, owned_by: "sandbox" };
}
