import { Buffer } from "node:buffer";
import { Agent, type ClientRequest, type IncomingHttpHeaders, request as httpRequest } from "node:http";

/** What a plain HTTP client saw of one call. */
export interface Seen {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Parts of the body as they were handed out. */
  readonly parts: readonly Buffer[];
  readonly body: Buffer;
  /** Whether HTTP says that the body is whole. */
  readonly whole: boolean;
  /** Code of the connection's error, for example `ECONNRESET`. */
  readonly error: string | undefined;
}

/** How a test calls. */
export interface CallOptions {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as it is. */
  readonly body?: unknown;
  /** Called with each part of the body; may destroy the request. */
  readonly onPart?: (body: Buffer, request: ClientRequest) => void;
  readonly onHeaders?: (request: ClientRequest) => void;
  /** Handed the request, so that a test can end it. */
  readonly onStart?: (request: ClientRequest) => void;
}

/** Calls over a connection of its own and tells what came back; never rejects. */
export async function call(url: string, options: CallOptions = {}): Promise<Seen> {
  const { method = "POST", path = "/v1/chat/completions", body } = options;
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const agent = new Agent({ keepAlive: false });
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let status: number | undefined;
    let headers: IncomingHttpHeaders = {};
    const done = (whole: boolean, error?: string) =>
      resolve({ status, headers, parts, body: Buffer.concat(parts), whole, error });
    const request = httpRequest(`${url}${path}`, {
      agent,
      method,
      headers: { authorization: "Bearer test", "content-type": "application/json", ...options.headers },
    });
    // Once there is a response, its own end tells what came of it.
    request.on("error", (error: NodeJS.ErrnoException) => {
      if (status === undefined) done(false, error.code);
    });
    request.on("response", (response) => {
      status = response.statusCode;
      ({ headers } = response);
      options.onHeaders?.(request);
      response.on("data", (part: Buffer) => {
        parts.push(part);
        options.onPart?.(Buffer.concat(parts), request);
      });
      response.on("error", (error: NodeJS.ErrnoException) => done(false, error.code));
      response.on("end", () => done(response.complete));
      response.on("close", () => done(response.complete));
    });
    options.onStart?.(request);
    request.end(text);
  });
}

/** A chat request with this user text. */
export function chat(model: string, more: Readonly<Record<string, unknown>> = {}, text = "Hello there"): unknown {
  return { model, messages: [{ role: "user", content: text }], ...more };
}

/** The data of each event of a stream, read as the WHATWG says, slowly and plainly. */
export function eventData(body: Buffer): string[] {
  const lines = body
    .toString()
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/);
  const events: string[] = [];
  let data: string[] = [];
  for (const line of lines) {
    if (line === "" && data.length > 0) {
      events.push(data.join("\n"));
      data = [];
    } else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return events;
}

/** Text of the first candidate in the events that are whole. */
export function textOf(body: Buffer): string {
  const parse = (data: string) => JSON.parse(data) as { choices: { delta: { content?: string } }[] };
  const events = eventData(body).filter((data) => data !== "[DONE]");
  return events.map((data) => parse(data).choices[0]?.delta.content ?? "").join("");
}
