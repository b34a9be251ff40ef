import { createServer, type Server, type ServerResponse } from "node:http";
import { Pool, type Dispatcher } from "undici";
import { serveAsChild } from "./child.ts";

const blankLine = Buffer.from("\n\n");
const dataPrefix = "data: ";

/** One proxied call: JSON is parsed and written again both ways, and each read of the upstream is one write. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;
  #controller: Dispatcher.DispatchController | undefined;
  #streams = false;
  #status = 0;
  #rest: Buffer | undefined;
  #parts: Buffer[] = [];
  #over = false;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.on("close", () => {
      if (!this.#over) this.#controller?.abort(new Error("the caller left"));
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    this.#status = status;
    this.#streams = String(headers["content-type"]).startsWith("text/event-stream");
    if (this.#streams) {
      this.#response.writeHead(status, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#streams) {
      this.#parts.push(chunk);
      return;
    }
    const text = this.#rewriteEvents(chunk);
    if (text !== "" && !this.#response.write(text)) {
      controller.pause();
      this.#response.once("drain", () => controller.resume());
    }
  }

  #rewriteEvents(chunk: Buffer): string {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    let out = "";
    let from = 0;
    for (let at = bytes.indexOf(blankLine); at >= 0; at = bytes.indexOf(blankLine, from)) {
      const data = bytes.toString("utf8", from + dataPrefix.length, at);
      out += data === "[DONE]" ? "data: [DONE]\n\n" : `data: ${JSON.stringify(JSON.parse(data))}\n\n`;
      from = at + blankLine.length;
    }
    this.#rest = from < bytes.length ? bytes.subarray(from) : undefined;
    return out;
  }

  onResponseEnd(): void {
    this.#over = true;
    if (this.#streams) {
      this.#response.end();
      return;
    }
    const whole = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    const body = Buffer.from(JSON.stringify(JSON.parse(String(whole))));
    this.#response.writeHead(this.#status, { "content-type": "application/json", "content-length": body.length });
    this.#response.end(body);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#over = true;
    if (this.#response.headersSent) this.#response.destroy();
    else this.#response.writeHead(502).end(error.message);
  }
}

/**
 * The yardstick: what `node:http` and undici cost when they forward a chat request, parse and write all JSON and every
 * event, and do nothing else. It has no limits, no keys, no deadlines and no books: nobody should run it.
 */
export function createReferenceProxy(upstreamOrigin: string): Server {
  const pool = new Pool(upstreamOrigin, { connections: 128, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const received = parts.length === 1 ? parts[0] : Buffer.concat(parts);
      const body = JSON.stringify(JSON.parse(String(received)));
      pool.dispatch(
        {
          path: request.url ?? "/",
          method: "POST",
          headers: { "content-type": "application/json", authorization: request.headers.authorization ?? "" },
          body,
        },
        new Exchange(response),
      );
    });
  });
  server.on("close", () => void pool.destroy());
  return server;
}

if (import.meta.main) serveAsChild(createReferenceProxy(process.argv[2] ?? ""));
