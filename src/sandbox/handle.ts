import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Runtime } from "../runtime/runtime.ts";
import type { BookedAttempt, BookKeeper } from "./books.ts";
import { Exchange } from "./exchange.ts";
import type { FaultMemory } from "./memory.ts";
import { chooseModel, SANDBOX_MODELS } from "./models.ts";
import { anthropicMessages } from "./anthropic-messages/index.ts";
import { geminiGenerate } from "./gemini-generate/index.ts";
import { openaiChat } from "./openai-chat/index.ts";
import { openaiResponses } from "./openai-responses/index.ts";
import { withCache } from "./answer.ts";
import { SETTINGS } from "./model-name.ts";
import { Player } from "./player.ts";
import { END, head, type Step, write } from "./steps.ts";
import { type ReadRequest, Refusal, type Stamp, type WireFormat, type WireReply } from "./wire-format.ts";

/** The wire formats that the sandbox speaks. */
export const FORMATS: readonly WireFormat[] = [anthropicMessages, geminiGenerate, openaiResponses, openaiChat];

const CHAT_PATHS = [
  "/v1/chat/completions",
  "/v1/responses",
  "/v1/messages",
  "/v1beta/models/{model}:generateContent",
  "/v1beta/models/{model}:streamGenerateContent",
];

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** What requests share. */
export interface SandboxState {
  readonly runtime: Runtime;
  readonly books: BookKeeper;
  readonly memory: FaultMemory;
  readonly tokenDelayMs: number | undefined;
}

/** Serves one HTTP request to its end. */
export async function handle(state: SandboxState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const method = request.method ?? "GET";
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  if (path === "/" || path.startsWith("/sandbox/")) return serveSandbox(state, method, path, response);
  for (const format of FORMATS) {
    const endpoint = format.endpoint(method, path, request.headers);
    if (endpoint?.kind === "chat") return serveChat(state, format, request, response);
    if (endpoint) return serveModels(format, endpoint.kind === "model" ? endpoint.id : undefined, request, response);
  }
  const message = `Unknown request URL: ${method} ${path}. Please check the URL for typos.`;
  const error = { message, type: "invalid_request_error", param: null, code: "unknown_url" };
  sendJson(response, 404, JSON.stringify({ error }));
}

function serveSandbox(state: SandboxState, method: string, path: string, response: ServerResponse): void {
  const { books, runtime } = state;
  if (path === "/sandbox/books" && method === "DELETE") {
    books.reset();
    response.writeHead(204).end();
  } else if (path === "/sandbox/books") {
    const { attempts, totals, connections } = books;
    sendJson(response, 200, JSON.stringify({ nowMs: runtime.monotonicMs(), totals, connections, attempts }));
  } else if (path === "/sandbox/models") {
    sendJson(response, 200, JSON.stringify({ models: SANDBOX_MODELS, settings: SETTINGS }));
  } else {
    const links = [...CHAT_PATHS, "/v1/models", "/v1beta/models", "/sandbox/models", "/sandbox/books"];
    sendJson(response, path === "/" ? 200 : 404, JSON.stringify({ name: "parley sandbox", links }));
  }
}

function serveModels(
  format: WireFormat,
  id: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  try {
    format.authorise(request.headers, request.url ?? "/");
    if (id === undefined) sendJson(response, 200, format.models(SANDBOX_MODELS.map((model) => model.name)));
    else if (chosenOrRefused(format, id)) sendJson(response, 200, format.model(id));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    sendJson(response, error.reply.status, error.reply.body);
  }
}

async function serveChat(
  state: SandboxState,
  format: WireFormat,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { runtime, books } = state;
  const attempt = books.begin(format.id);
  const player = new Player({ response, runtime, books, attempt });
  const body = await readBody(request);
  if (body === undefined) return player.play([]);
  const stamp = { id: runtime.randomHex(12), createdSeconds: Math.floor(runtime.nowMs() / 1000), inputTokens: 0 };
  return player.play(stepsFor(state, format, request, body, attempt, stamp));
}

/** What an upstream of this format does about a request, whatever carries it. */
export function stepsFor(
  state: SandboxState,
  format: WireFormat,
  request: Pick<IncomingMessage, "headers" | "url">,
  body: Buffer | "too large",
  attempt: BookedAttempt,
  stamp: Stamp,
): Iterable<Step> {
  try {
    format.authorise(request.headers, request.url ?? "/");
    if (body === "too large") throw new Refusal(tooLarge(format));
    const read = format.read(body.toString(), request.url ?? "/");
    const { model, stream, inputTokens } = read.ask;
    state.books.asked(attempt, { model, stream, inputTokens });
    return answerSteps(state, format, read, { ...stamp, inputTokens });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return replySteps(error.reply, format, stamp);
  }
}

function answerSteps(state: SandboxState, format: WireFormat, request: ReadRequest, stamp: Stamp): Iterable<Step> {
  const { runtime, memory } = state;
  const { row, settings, answer } = chosenOrRefused(format, request.ask.model, state.tokenDelayMs);
  const exchange = new Exchange({
    settings,
    answer: withCache(
      answer({ ask: request.ask, settings, newId: () => runtime.randomHex(12) }),
      settings.cached,
      settings.cache_written,
    ),
    format,
    request,
    stamp,
    nowMs: runtime.nowMs(),
  });
  const strikes = row.group === "answer" || memory.strikes(request.ask.model, settings, runtime.monotonicMs());
  return strikes ? row.play(exchange) : exchange.good();
}

function chosenOrRefused(
  format: WireFormat,
  model: string,
  delayMs?: number,
): NonNullable<ReturnType<typeof chooseModel>> {
  let chosen;
  try {
    chosen = chooseModel(model, delayMs);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Refusal(format.failure("invalid_request", { model, message }));
  }
  if (!chosen) throw new Refusal(format.failure("model_not_found", { model }));
  return chosen;
}

// The rest of the body is not waited for, hence the connection cannot be used again.
function tooLarge(format: WireFormat): WireReply {
  const reply = format.failure("too_large", { model: "" });
  return { ...reply, headers: { ...reply.headers, connection: "close" } };
}

function replySteps(reply: WireReply, format: WireFormat, stamp: Stamp): Step[] {
  const body = format.stampFailure?.(reply.body, stamp) ?? reply.body;
  const length = { "content-length": String(Buffer.byteLength(body)) };
  return [head(reply.status, { ...format.headers(stamp), ...reply.headers, ...length }), write(body), END];
}

// Undefined: the client left before its request was whole.
async function readBody(request: IncomingMessage): Promise<Buffer | "too large" | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve) => {
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else resolve("too large");
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("error", () => resolve(undefined));
    request.once("close", () => resolve(undefined));
  });
}

function sendJson(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}
