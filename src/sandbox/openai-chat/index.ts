import { failure, failureJson } from "../openai-service/errors.ts";
import { authorise, modelObject, serviceEndpoint, serviceHeaders } from "../openai-service/service.ts";
import type { WireFormat } from "../wire-format.ts";
import { readRequest } from "./read.ts";
import { chunkEvents, responseBody } from "./write.ts";

/** OpenAI's chat completions. Source: https://platform.openai.com/docs/api-reference/chat, and recorded answers. */
export const openaiChat: WireFormat = {
  id: "openai-chat",
  endpoint: (method, path) => serviceEndpoint("/v1/chat/completions", method, path),
  authorise,
  read(body) {
    const { request, ask } = readRequest(body);
    return {
      ask,
      body: (answer, stamp) => responseBody(request, answer, stamp),
      stream: (answer, stamp) => (step) => chunkEvents(request, answer, step, stamp),
    };
  },
  headers: serviceHeaders,
  failure,
  failureEvent: (kind, about) => ({ data: failureJson(kind, about) }),
  lineEnd: "\n",
  ping: ": keep-alive\n\n",
  models: (ids) => JSON.stringify({ object: "list", data: ids.map(modelObject) }),
  model: (id) => JSON.stringify(modelObject(id)),
};
