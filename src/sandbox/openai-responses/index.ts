import { authorise, modelObject, serviceEndpoint, serviceHeaders } from "../openai-service/service.ts";
import type { WireFormat } from "../wire-format.ts";
import { failure, failureEvent } from "./errors.ts";
import { readRequest } from "./read.ts";
import { eventWriter, responseBody } from "./write.ts";

/** OpenAI's responses. Source: https://platform.openai.com/docs/api-reference/responses, and recorded answers. */
export const openaiResponses: WireFormat = {
  id: "openai-responses",
  endpoint: (method, path) => serviceEndpoint("/v1/responses", method, path),
  authorise,
  read(body) {
    const { request, ask } = readRequest(body);
    return {
      ask,
      body: (answer, stamp) => responseBody(request, answer, stamp),
      stream: (answer, stamp) => eventWriter(request, answer, stamp),
    };
  },
  headers: serviceHeaders,
  failure,
  failureEvent: (kind, about, eventsBefore) => ({ event: "error", data: failureEvent(kind, about, eventsBefore) }),
  lineEnd: "\n",
  ping: ": keep-alive\n\n",
  models: (ids) => JSON.stringify({ object: "list", data: ids.map(modelObject) }),
  model: (id) => JSON.stringify(modelObject(id)),
};
