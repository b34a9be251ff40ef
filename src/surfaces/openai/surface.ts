import { ParleyError } from "../../errors/index.ts";
import { cut, pathOf, type AnyRequest, type Handler } from "../exchange.ts";
import { handleChat } from "./chat.ts";
import { commonHeaders } from "./headers.ts";
import { handleModel, handleModelList } from "./models.ts";
import type { OpenAiSurfaceOptions } from "./options.ts";
import { sendOwnError, writeHead, type Reply } from "./reply.ts";

/** One path of this surface. */
export interface RestRoute {
  /** With `{id}` for whatever follows. */
  readonly path: string;
  readonly methods: readonly string[];
  readonly handle: (
    options: OpenAiSurfaceOptions,
    request: AnyRequest,
    reply: Reply,
    id: string,
  ) => Promise<void> | void;
}

/** Every path of this surface. */
export const REST_ROUTES: readonly RestRoute[] = [
  {
    path: "/v1/chat/completions",
    methods: ["POST"],
    handle: (options, request, reply) => handleChat(options, request, reply.response, reply),
  },
  { path: "/v1/models", methods: ["GET", "HEAD"], handle: handleModelList },
  { path: "/v1/models/{id}", methods: ["GET", "HEAD"], handle: handleModel },
];

/**
 * The OpenAI-compatible REST surface: answers everything under `/v1/`. Whatever goes wrong is answered in OpenAI's error
 * shape; nothing is thrown.
 */
export function createOpenAiSurface(options: OpenAiSurfaceOptions): Handler {
  return (request, response) => {
    const requestId = options.gateway.newRequestId();
    const headers = commonHeaders(request, requestId);
    const reply = { response, requestId, headers };
    dispatch(options, request, reply).catch((thrown: unknown) => {
      if (!(thrown instanceof ParleyError)) options.log.error("a handler threw", { requestId, error: nameOf(thrown) });
      if (response.headersSent && !response.writableEnded) cut(response);
      else sendOwnError(reply, ParleyError.from(thrown), options.gateway.newErrorId());
    });
  };
}

async function dispatch(options: OpenAiSurfaceOptions, request: AnyRequest, reply: Reply): Promise<void> {
  const path = trimSlash(pathOf(request));
  for (const route of REST_ROUTES) {
    const id = idIn(path, route.path);
    if (id === undefined) continue;
    if (allows(options, request, reply, route.methods)) await route.handle(options, request, reply, id);
    return;
  }
  const there = REST_ROUTES.map((route) => `${route.methods[0]} ${route.path}`).join(", ");
  throw new ParleyError("NOT_FOUND", `Cannot find this path: there are ${there.replace(/, ([^,]+)$/, " and $1")}`);
}

/** What stands in the place of `{id}`, empty where the pattern has none; undefined: the path is another one. */
function idIn(path: string, pattern: string): string | undefined {
  const prefix = pattern.replace("{id}", "");
  if (prefix === pattern) return path === pattern ? "" : undefined;
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}

function trimSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

/** Whether the method is one of `methods`; if not, answers: OPTIONS with what is allowed, anything else with 405. */
function allows(options: OpenAiSurfaceOptions, request: AnyRequest, reply: Reply, methods: readonly string[]): boolean {
  const method = request.method ?? "";
  if (methods.includes(method)) return true;
  const allow = [...methods, "OPTIONS"].join(", ");
  if (method === "OPTIONS") {
    writeHead(reply.response, 204, { ...reply.headers, allow });
    reply.response.end();
    return false;
  }
  const error = new ParleyError("NOT_FOUND", `Cannot use this method here: the path takes ${methods.join(" and ")}`);
  sendOwnError(reply, error, options.gateway.newErrorId(), { allow }, 405);
  return false;
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : typeof thrown;
}
