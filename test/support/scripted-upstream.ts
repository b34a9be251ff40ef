import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

// A provider that answers what a test tells it to and keeps what it was sent.

/** A request as it came in. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  /** The parsed body; undefined: there was none. */
  readonly body: any;
}

/** What to answer. */
export interface ScriptedAnswer {
  /** 200 unless set. */
  readonly status?: number;
  /** Beyond the content type, which the body tells. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A text goes out as it is; anything else as JSON. */
  readonly body: unknown;
  /** Whether the text is a stream of server-sent events. */
  readonly stream?: boolean;
}

/** A running upstream on a free loopback port. */
export interface ScriptedUpstream extends AsyncDisposable {
  readonly url: string;
  /** All requests so far; a test may empty the list. */
  readonly seen: SeenRequest[];
}

/** Starts an upstream that answers each request as `answerTo` says. */
export async function startScriptedUpstream(
  answerTo: (request: SeenRequest, count: number) => ScriptedAnswer,
): Promise<ScriptedUpstream> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const one = { method: request.method ?? "", path: request.url ?? "", body: text && JSON.parse(text) };
      seen.push(one);
      const { status = 200, headers, body, stream = false } = answerTo(one, seen.length);
      response.writeHead(status, {
        "content-type": stream ? "text/event-stream" : "application/json",
        ...headers,
      });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
