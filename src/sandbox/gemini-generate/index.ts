import { decodeSegment } from "../path-segment.ts";
import type { Endpoint, WireFormat } from "../wire-format.ts";
import { failure, failureJson, refuse } from "./errors.ts";
import { authorise, readPath, readRequest } from "./read.ts";
import { eventWriter, listBody, responseBody } from "./write.ts";

const MODELS_PATH = "/v1beta/models";

/** Google's generateContent. Source: https://ai.google.dev/api/generate-content, and recorded answers. */
export const geminiGenerate: WireFormat = {
  id: "gemini-generate",
  endpoint,
  authorise,
  read(body, url) {
    const path = readPath(url) ?? refuse("The model is missing.", 404, "NOT_FOUND");
    const { request, ask } = readRequest(body, path);
    const isList = path.streams && !path.asEvents;
    return {
      ask,
      body: (answer, stamp) => (isList ? listBody : responseBody)({ request, model: path.model, answer, stamp }),
      stream: (answer, stamp) => eventWriter({ request, model: path.model, answer, stamp }),
    };
  },
  headers: () => ({ "server-timing": "gfet4t7; dur=1", "x-content-type-options": "nosniff" }),
  failure,
  failureEvent: (kind, about) => ({ data: failureJson(kind, about).replaceAll("\n", "") }),
  lineEnd: "\r\n",
  // The vendor sends nothing while it thinks; what stands before it may.
  ping: ": keep-alive\n\n",
  models: (ids) => JSON.stringify({ models: ids.map(modelObject) }),
  model: (id) => JSON.stringify(modelObject(id)),
};

function endpoint(method: string, path: string): Endpoint | undefined {
  if (method === "POST" && readPath(path)) return { kind: "chat" };
  if (method !== "GET") return undefined;
  if (path === MODELS_PATH) return { kind: "models" };
  if (!path.startsWith(`${MODELS_PATH}/`)) return undefined;
  return { kind: "model", id: decodeSegment(path.slice(MODELS_PATH.length + 1)) };
}

function modelObject(id: string): Readonly<Record<string, unknown>> {
  return {
    name: `models/${id}`,
    version: "001",
    displayName: id,
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: ["generateContent", "streamGenerateContent"],
  };
}
