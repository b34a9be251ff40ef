import { ParleyError } from "../errors/index.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Cors } from "./cors.ts";
import { cut, isHttp2, pathOf, type AnyRequest, type AnyResponse, type Handler } from "./exchange.ts";
import type { Handlers, ListenOptions } from "./listen-options.ts";
import { sendPlainError } from "./plain-error.ts";

const WITHOUT_VERSION = /^\/(?:chat|models|completions|responses|embeddings)(?:\/|$)/;

/** Sends each request to the handler of its path, with what all surfaces share: CORS, the typed 404, the last catch. */
export function createDispatch(options: ListenOptions, cors: Cors): Handler {
  const { handlers, runtime, log, limits } = options;
  return (request, response) => {
    try {
      // HTTP/1.1's parser has counted; HTTP/2 holds a client to the limit only once it has acknowledged our settings.
      if (isHttp2(request) && headerBytes(request.rawHeaders) > limits.headerBytes) {
        sendOwnError(runtime, response, headersTooLarge(limits.headerBytes), 431);
        return;
      }
      if (cors.handle(request, response)) return;
      if (!route(handlers, request, response)) sendOwnError(runtime, response, notFound(pathOf(request)));
    } catch (thrown) {
      const requestId = sendOwnError(runtime, response, ParleyError.from(thrown));
      log.error("a handler threw", { requestId, error: thrown instanceof Error ? thrown.name : typeof thrown });
      if (!response.writableEnded) cut(response);
    }
  };
}

function route(handlers: Handlers, request: AnyRequest, response: AnyResponse): boolean {
  const path = pathOf(request);
  if (path.startsWith("/v1/")) handlers.openai(request, response);
  else if (path.startsWith("/parley.") || path.startsWith("/grpc.")) handlers.connect(request, response);
  else return handlers.ops(request, response);
  return true;
}

function headerBytes(rawHeaders: readonly string[]): number {
  let bytes = 0;
  for (const text of rawHeaders) bytes += text.length;
  return bytes;
}

function headersTooLarge(maxBytes: number): ParleyError {
  return new ParleyError(
    "INVALID_REQUEST",
    `Cannot read the request: its headers are larger than the limit of ${maxBytes} bytes`,
  );
}

function notFound(path: string): ParleyError {
  const hint = WITHOUT_VERSION.test(path)
    ? `did you mean /v1${path}? The base URL of OpenAI clients ends in /v1`
    : "there are /v1/ (OpenAI-compatible), /parley.v1.ChatService/ (Connect, gRPC), /console/, /healthz, /readyz, /metrics";
  return new ParleyError("NOT_FOUND", `Cannot find this path: ${hint}`);
}

/** Answers with an error of the listener's own and returns the request's id. */
function sendOwnError(runtime: Runtime, response: AnyResponse, error: ParleyError, status?: number): string {
  const ids = { requestId: runtime.newId("req"), errorId: runtime.newId("err") };
  sendPlainError(response, error, ids, status);
  return ids.requestId;
}
