import type { IncomingHttpHeaders } from "node:http";
import { decodeSegment } from "../path-segment.ts";
import type { Endpoint, WireFormat } from "../wire-format.ts";
import { failure, failureJson } from "./errors.ts";
import { authorise, readRequest } from "./read.ts";
import { eventWriter, responseBody } from "./write.ts";

const MODELS_PATH = "/v1/models";
const CREATED_AT = "2026-01-01T00:00:00Z";
const RESET_AT = "2026-01-01T00:01:00Z";
const LIMIT_TOKENS = 4_000_000;

/** Anthropic's messages. Source: https://platform.claude.com/docs/en/api/messages, and recorded answers. */
export const anthropicMessages: WireFormat = {
  id: "anthropic-messages",
  endpoint,
  authorise,
  read(body) {
    const { request, ask } = readRequest(body);
    return {
      ask,
      body: (answer, stamp) => responseBody(request, answer, stamp),
      stream: (answer, stamp) => eventWriter(request, answer, stamp),
    };
  },
  headers: (stamp) => ({
    "anthropic-organization-id": "sandbox",
    "anthropic-ratelimit-requests-limit": "4000",
    "anthropic-ratelimit-requests-remaining": "3999",
    "anthropic-ratelimit-requests-reset": RESET_AT,
    "anthropic-ratelimit-tokens-limit": String(LIMIT_TOKENS),
    "anthropic-ratelimit-tokens-remaining": String(LIMIT_TOKENS - stamp.inputTokens),
    "anthropic-ratelimit-tokens-reset": RESET_AT,
    "request-id": `req_${stamp.id}`,
  }),
  failure,
  stampFailure: (body, stamp) => body.replace(/\}$/, `,"request_id":"req_${stamp.id}"}`),
  failureEvent: (kind, about) => ({ event: "error", data: failureJson(kind, about) }),
  lineEnd: "\n",
  ping: 'event: ping\ndata: {"type": "ping"}\n\n',
  models: (ids) => {
    const ends = { first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null };
    return JSON.stringify({ data: ids.map(modelObject), has_more: false, ...ends });
  },
  model: (id) => JSON.stringify(modelObject(id)),
};

// Lists of models stand at the same place as those of another vendor; the version tells who asks.
function endpoint(method: string, path: string, headers: IncomingHttpHeaders): Endpoint | undefined {
  if (method === "POST" && path === "/v1/messages") return { kind: "chat" };
  if (method !== "GET" || headers["anthropic-version"] === undefined) return undefined;
  if (path === MODELS_PATH) return { kind: "models" };
  if (!path.startsWith(`${MODELS_PATH}/`)) return undefined;
  return { kind: "model", id: decodeSegment(path.slice(MODELS_PATH.length + 1)) };
}

function modelObject(id: string): Readonly<Record<string, string>> {
  return { type: "model", id, display_name: id, created_at: CREATED_AT };
}
