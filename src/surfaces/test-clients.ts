import * as http2 from "node:http2";
import { afterEach } from "vitest";
import type { Runtime } from "../runtime/runtime.ts";
import type { Listener } from "./listener.ts";
import type { ListenOptions } from "./listen-options.ts";
import { listenForTest } from "./test-support.ts";

// Listeners and HTTP clients of the listener's tests, closed after each test. Only tests import it.

const listeners: Listener[] = [];
const sessions: http2.ClientHttp2Session[] = [];

afterEach(async () => {
  for (const client of sessions.splice(0)) client.destroy();
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
});

/** Makes listeners that live until the end of their test. */
export function starter(runtime: Runtime) {
  return async (options: Partial<Omit<ListenOptions, "runtime">> = {}): Promise<Listener> => {
    const listener = await listenForTest(runtime, options);
    listeners.push(listener);
    return listener;
  };
}

/** An HTTP/2 connection until the end of the test. */
export function session(listener: Listener): http2.ClientHttp2Session {
  const client = http2.connect(`http://127.0.0.1:${listener.port}`);
  client.on("error", () => undefined);
  sessions.push(client);
  return client;
}

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** A request over HTTP/2; rejects when the stream is reset. */
export function h2Request(
  client: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: string | { unfinished: string },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = client.request(
      { ":method": body === undefined ? "GET" : "POST", ...headers },
      { endStream: body === undefined },
    );
    let answered: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
    let text = "";
    stream.setEncoding("utf8");
    stream.on("response", (received) => (answered = received));
    stream.on("data", (chunk: string) => (text += chunk));
    stream.on("end", () => resolve({ status: answered[":status"] ?? 0, headers: answered, body: text }));
    stream.on("error", reject);
    stream.on("close", () => reject(new Error("closed without an answer")));
    if (typeof body === "string") stream.end(body);
    else if (body) stream.write(body.unfinished);
  });
}

/** A request over HTTP/1.1. */
export async function h1Request(listener: Listener, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, init);
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}
