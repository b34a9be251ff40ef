import { ParleyError } from "../../errors/index.ts";
import { cut, pathOf, type AnyRequest, type AnyResponse, type Handler } from "../exchange.ts";
import { handleChat } from "./chat.ts";
import { commonHeaders } from "./headers.ts";
import { handleModel, handleModelList } from "./models.ts";
import type { OpenAiSurfaceOptions } from "./options.ts";
import { sendOwnError, writeHead, type Reply } from "./reply.ts";

const CHAT = "/v1/chat/completions";
const MODELS = "/v1/models";

/**
 * The OpenAI-compatible REST surface: answers everything under `/v1/`. Whatever goes wrong is answered in OpenAI's error
 * shape; nothing is thrown.
 */
export function createOpenAiSurface(options: OpenAiSurfaceOptions): Handler {
  return (request, response) => {
    const requestId = options.gateway.newRequestId();
    const headers = commonHeaders(request, requestId);
    const reply = { response, requestId, headers };
    dispatch(options, request, response, reply).catch((thrown: unknown) => {
      if (!(thrown instanceof ParleyError)) options.log.error("a handler threw", { requestId, error: nameOf(thrown) });
      if (response.headersSent && !response.writableEnded) cut(response);
      else sendOwnError(reply, ParleyError.from(thrown), options.gateway.newErrorId());
    });
  };
}

async function dispatch(
  options: OpenAiSurfaceOptions,
  request: AnyRequest,
  response: AnyResponse,
  reply: Reply,
): Promise<void> {
  const path = trimSlash(pathOf(request));
  if (path === CHAT) {
    if (allows(options, request, reply, ["POST"])) await handleChat(options, request, response, reply);
  } else if (path === MODELS) {
    if (allows(options, request, reply, ["GET", "HEAD"])) await handleModelList(options, request, reply);
  } else if (path.startsWith(`${MODELS}/`)) {
    if (allows(options, request, reply, ["GET", "HEAD"]))
      await handleModel(options, request, reply, path.slice(MODELS.length + 1));
  } else {
    throw new ParleyError(
      "NOT_FOUND",
      `Cannot find this path: there are POST ${CHAT}, GET ${MODELS} and GET ${MODELS}/{id}`,
    );
  }
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
