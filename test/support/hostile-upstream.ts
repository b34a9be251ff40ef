import * as http from "node:http";
import type { AddressInfo } from "node:net";

// A provider that repeats whatever it was sent, key and prompt, wherever it can: what a gateway must not pass on or write
// down. The model's name says how it fails.

/** The running upstream. */
export interface HostileUpstream {
  readonly url: string;
  readonly models: readonly string[];
  close(): Promise<void>;
}

type Play = (response: http.ServerResponse, echo: string, key: string) => void;

const json = (status: number, body: (echo: string) => unknown): Play => {
  return (response, echo) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body(echo)));
  };
};

const openAiError = (status: number, code: string): Play =>
  json(status, (echo) => ({
    error: { message: `Incorrect: ${echo}`, type: "invalid_request_error", param: null, code },
  }));

const chunk = (echo: string): string =>
  `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta: { content: echo.slice(0, 3) }, finish_reason: null }] })}\n\n`;

const stream = (...events: ((echo: string) => string)[]): Play => {
  return (response, echo) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(events.map((event) => event(echo)).join(""));
  };
};

const PLAYS: Readonly<Record<string, Play>> = {
  "wrong-key": openAiError(401, "invalid_api_key"),
  "bad-request": openAiError(400, "invalid_value"),
  "no-model": openAiError(404, "model_not_found"),
  limited: openAiError(429, "rate_limit_exceeded"),
  broken: openAiError(500, "server_error"),
  "odd-words": (response, _echo, key) => {
    response.writeHead(400, { "content-type": "application/json", "x-request-id": key });
    response.end(JSON.stringify({ error: { message: "no", type: key, code: key, param: key } }));
  },
  "text-only": (response, echo) =>
    void response.writeHead(502, { "content-type": "text/html" }).end(`<h1>${echo}</h1>`),
  "error-in-200": json(200, (echo) => ({ error: { message: echo, code: 500 } })),
  "no-answer": json(200, (echo) => ({ detail: echo, object: "error", message: echo })),
  "half-json": (response, echo) =>
    void response
      .writeHead(200, { "content-type": "application/json" })
      .end(`{"choices":[{"message":{"content":"${echo}`),
  "odd-headers": (response, echo) => {
    response.writeHead(503, { "content-type": "application/json", "x-echo": Buffer.from(echo).toString("base64") });
    response.end(JSON.stringify({ error: echo }));
  },
  "error-event": stream(
    chunk,
    (echo) => `data: ${JSON.stringify({ error: { message: echo, type: "server_error" } })}\n\n`,
  ),
  "bad-event": stream(chunk, (echo) => `data: {"choices": ${echo}\n\n`),
  "cut-event": stream(chunk, (echo) => `data: {"choices":[{"index":0,"delta":{"content":"${echo}`),
};

/** Starts it on a free loopback port. */
export async function startHostileUpstream(): Promise<HostileUpstream> {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (part: Buffer) => chunks.push(part));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const { model } = JSON.parse(text) as { model: string };
      const key = String(request.headers.authorization).replace("Bearer ", "");
      (PLAYS[model] ?? openAiError(404, "model_not_found"))(response, `${key} said ${text}`, key);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    models: Object.keys(PLAYS),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
