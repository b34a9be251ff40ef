import * as http from "node:http";
import * as http2 from "node:http2";
import { afterEach, describe, expect, test } from "vitest";
import { realRuntime } from "../runtime/real.ts";
import type { Listener } from "./listener.ts";
import type { ListenOptions } from "./listen-options.ts";
import { readBody } from "./request-body.ts";
import type { AnyRequest, AnyResponse } from "./exchange.ts";
import { ParleyError } from "../errors/index.ts";
import { sendPlainError } from "./plain-error.ts";
import { listenForTest, RawClient } from "./test-support.ts";

const runtime = realRuntime();
const listeners: Listener[] = [];
const sessions: http2.ClientHttp2Session[] = [];

async function start(options: Partial<Omit<ListenOptions, "runtime">> = {}): Promise<Listener> {
  const listener = await listenForTest(runtime, options);
  listeners.push(listener);
  return listener;
}

function session(listener: Listener): http2.ClientHttp2Session {
  const client = http2.connect(`http://127.0.0.1:${listener.port}`);
  client.on("error", () => undefined);
  sessions.push(client);
  return client;
}

afterEach(async () => {
  for (const client of sessions.splice(0)) client.destroy();
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

function h2Request(
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

async function h1Request(listener: Listener, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, init);
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}

/** Answers with the body's length, or with the typed refusal. */
function lengthOf(bodyTimeoutMs: number, maxBytes = 1000) {
  return (request: AnyRequest, response: AnyResponse): void => {
    readBody(request, { maxBytes, timeoutMs: bodyTimeoutMs, runtime }).then(
      (body) => response.end(`${body.length} bytes`),
      (thrown: unknown) => sendPlainError(response, ParleyError.from(thrown), { requestId: "req_1", errorId: "err_1" }),
    );
  };
}

describe("one port", () => {
  test("serves HTTP/1.1 and cleartext HTTP/2 and routes by path", async () => {
    const listener = await start();
    const client = session(listener);
    for (const [path, body] of [
      ["/v1/models", "openai"],
      ["/parley.v1.ChatService/Generate", "connect"],
      ["/grpc.health.v1.Health/Check", "connect"],
    ] as const) {
      expect((await h1Request(listener, path)).body).toBe(body);
      expect((await h2Request(client, { ":path": path })).body).toBe(body);
    }
  });

  test("answers an unknown path with a typed 404 and a hint, on both versions", async () => {
    const listener = await start();
    for (const answer of [
      await h1Request(listener, "/chat/completions", { method: "POST", body: "{}" }),
      await h2Request(session(listener), { ":path": "/chat/completions" }, "{}"),
    ]) {
      expect(answer.status).toBe(404);
      expect(answer.headers["x-request-id"]).toMatch(/^req_/);
      const { error } = JSON.parse(answer.body) as { error: { message: string; parley: { reason: string } } };
      expect(error.parley.reason).toBe("not_found");
      expect(error.message).toContain("/v1/chat/completions");
    }
  });

  test("answers a handler that throws with a typed 500 and keeps serving", async () => {
    const listener = await start({
      handlers: {
        openai: () => {
          throw new Error("secret inner text");
        },
        connect: (_request, response) => response.end("fine"),
        ops: () => false,
      },
    });
    const answer = await h1Request(listener, "/v1/models");
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain("secret inner text");
    expect((await h1Request(listener, "/parley.v1.X/Y")).body).toBe("fine");
  });

  test("names the port and the way out when it is taken", async () => {
    const listener = await start();
    await expect(start({ port: listener.port })).rejects.toThrow(
      /Cannot listen on 127\.0\.0\.1:\d+: the port is in use/,
    );
  });
});

describe("limits", () => {
  test("headers beyond the limit get a typed 431 on HTTP/1.1 and a reset stream on HTTP/2", async () => {
    const listener = await start({ limits: { headerBytes: 4096, connections: 10, streamsPerConnection: 10 } });
    const raw = new RawClient(listener.port);
    raw.write(`GET /v1/models HTTP/1.1\r\nhost: x\r\nx-long: ${"a".repeat(8000)}\r\n\r\n`);
    const text = await raw.closed;
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
    expect(text).toMatch(/x-request-id: req_/);
    expect(text).toContain('"reason":"invalid_request"');
    const client = session(listener);
    const first = await h2Request(client, { ":path": "/v1/models", "x-long": "a".repeat(8000) });
    expect(first.status).toBe(431);
    expect(first.body).toContain("limit of 4096 bytes");
    await expect(h2Request(client, { ":path": "/v1/models", "x-long": "a".repeat(8000) })).rejects.toThrow();
    expect((await h2Request(client, { ":path": "/v1/models" })).body).toBe("openai");
  });

  test("connections beyond the limit are closed at once", async () => {
    const listener = await start({ limits: { headerBytes: 4096, connections: 1, streamsPerConnection: 10 } });
    const first = new RawClient(listener.port);
    first.write("GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n");
    await first.until("openai");
    expect(await new RawClient(listener.port).closed).toBe("");
    first.socket.destroy();
  });

  test("streams beyond the limit of an HTTP/2 connection are refused, the others stay", async () => {
    const waiting: AnyResponse[] = [];
    const listener = await start({
      limits: { headerBytes: 4096, connections: 10, streamsPerConnection: 2 },
      handlers: { openai: (_request, response) => waiting.push(response), connect: () => undefined, ops: () => false },
    });
    const raw = new RawClient(listener.port);
    raw.write(Buffer.concat([preface(), ...[1, 3, 5].map((stream) => frame(1, 5, stream, getX()))]));
    const refused = frame(3, 0, 5, Buffer.from([0, 0, 0, http2.constants.NGHTTP2_REFUSED_STREAM]));
    await raw.until(refused.toString("latin1"));
    expect(waiting).toHaveLength(2);
    raw.socket.destroy();
  });

  test("a body larger than the limit gets a typed 413, declared or not, and the connection's next request is served", async () => {
    const listener = await start({ handlers: { openai: lengthOf(1000), connect: () => undefined, ops: () => false } });
    const declared = await h1Request(listener, "/v1/x", { method: "POST", body: "a".repeat(100_000) });
    expect(declared.status).toBe(413);
    expect(declared.body).toContain("100000 bytes, more than the limit of 1000 bytes");
    const raw = new RawClient(listener.port);
    raw.write(
      `POST /v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n800\r\n${"a".repeat(0x800)}\r\n0\r\n\r\n`,
    );
    await raw.until("limit of 1000 bytes");
    raw.write("POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
    expect(await raw.closed).toContain("2 bytes");
    const client = session(listener);
    expect((await h2Request(client, { ":path": "/v1/x" }, "a".repeat(300_000))).status).toBe(413);
    expect((await h2Request(client, { ":path": "/v1/x" }, "hi")).body).toBe("2 bytes");
  });
});

describe("slow and partial clients are cut", () => {
  const timeouts = { clientHeadersMs: 60, clientBodyMs: 60, idleMs: 60, pingMs: 10_000, flushMs: 60 };

  test.each([
    ["nothing at all", ""],
    ["one byte", "G"],
    ["half an HTTP/2 preface", "PRI * HT"],
    ["the preface's first three bytes", "PRI"],
    ["a whole preface and no settings", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["half of HTTP/2 headers", Buffer.concat([preface(), frame(1, 0, 1, Buffer.alloc(4, 0x40))])],
    ["half a frame", Buffer.concat([preface(), Buffer.from([0, 0, 9])])],
  ])("%s, then silence", async (_name, bytes) => {
    const listener = await start({ timeouts });
    const raw = new RawClient(listener.port);
    if (bytes.length > 0) raw.write(bytes);
    await raw.closed;
    await expect.poll(() => listener.connections).toBe(0);
  });

  test("half a header, then silence: typed 408", async () => {
    const listener = await start({ timeouts });
    const raw = new RawClient(listener.port);
    raw.write("GET /v1/models HTTP/1.1\r\nhost: x\r\nx-half: ");
    expect(await raw.closed).toMatch(/^HTTP\/1\.1 408 .*"reason":"invalid_request"/s);
  });

  test("a header trickled byte by byte does not outlive the clock", async () => {
    const listener = await start({ timeouts });
    const raw = new RawClient(listener.port);
    raw.write("GET /v1/models HTTP/1.1\r\nx-slow: ");
    const trickle = setInterval(() => raw.write("a"), 10);
    expect(await raw.closed).toMatch(/^HTTP\/1\.1 408 /);
    clearInterval(trickle);
  });

  test("HTTP/2 PINGs without a request do not keep a connection open", async () => {
    const listener = await start({ timeouts });
    const client = session(listener);
    const pings = setInterval(() => {
      if (!client.destroyed) client.ping(() => undefined);
    }, 10);
    await new Promise((resolve) => client.once("close", resolve));
    clearInterval(pings);
    expect(client.destroyed).toBe(true);
  });

  test("half a body, then silence: typed 400 on HTTP/1.1 and HTTP/2", async () => {
    const listener = await start({
      timeouts: { ...timeouts, clientHeadersMs: 2000, clientBodyMs: 2000 },
      handlers: { openai: lengthOf(40), connect: () => undefined, ops: () => false },
    });
    const raw = new RawClient(listener.port);
    raw.write("POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
    const text = await raw.closed;
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toContain("not complete after 40 ms");
    const answer = await h2Request(session(listener), { ":path": "/v1/x" }, { unfinished: "half" });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain("not complete after 40 ms");
  });

  test("a connection without a request closes when its idle time is over", async () => {
    const listener = await start({ timeouts });
    const raw = new RawClient(listener.port);
    raw.write("GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await raw.closed).toContain("openai");
    const client = session(listener);
    const goaway = new Promise((resolve) => client.once("goaway", resolve));
    await h2Request(client, { ":path": "/v1/models" });
    await goaway;
  });

  test("a client that does not answer PINGs is cut, also with a request running", async () => {
    const left = Promise.withResolvers<void>();
    const listener = await start({
      timeouts: { ...timeouts, clientHeadersMs: 5000, pingMs: 30 },
      handlers: {
        openai: (_request, response) => {
          write(response, "begun");
          response.once("close", () => left.resolve());
        },
        connect: () => undefined,
        ops: () => false,
      },
    });
    const raw = new RawClient(listener.port);
    // Whatever the server sends, PINGs included, stays unanswered.
    raw.write(Buffer.concat([preface(), frame(1, 5, 1, getX())]));
    await raw.until("begun");
    await raw.closed;
    await left.promise;
    await expect.poll(() => listener.runningRequests).toBe(0);
  });

  test("an answer that has ended and is not taken is cut", async () => {
    const closed = Promise.withResolvers<void>();
    const listener = await start({
      timeouts: { ...timeouts, clientHeadersMs: 5000, idleMs: 5000 },
      handlers: {
        openai: (_request, response) => {
          response.once("close", () => closed.resolve());
          response.end(Buffer.alloc(30_000_000));
        },
        connect: () => undefined,
        ops: () => false,
      },
    });
    const raw = new RawClient(listener.port);
    raw.socket.pause();
    raw.write("GET /v1/x HTTP/1.1\r\nhost: x\r\n\r\n");
    await closed.promise;
    const stuck = session(listener).request({ ":path": "/v1/x" });
    stuck.on("error", () => undefined);
    stuck.pause();
    await new Promise((resolve) => stuck.once("response", resolve));
    expect(listener.runningRequests).toBe(1);
    await expect.poll(() => listener.runningRequests).toBe(0);
    raw.socket.destroy();
  });
});

describe("bad HTTP", () => {
  test("gets a small typed 400 and is closed", async () => {
    const listener = await start();
    const raw = new RawClient(listener.port);
    raw.write("\u0016\u0003\u0001 this is not HTTP\r\n\r\n");
    expect(await raw.closed).toMatch(/^HTTP\/1\.1 400 .*"reason":"invalid_request"/s);
  });

  test("garbage frames and resets never end the process", async () => {
    const listener = await start();
    for (const bytes of [
      Buffer.concat([preface(), frame(1, 5, 1, Buffer.alloc(64, 0xff))]),
      Buffer.concat([preface(), frame(0, 0, 7, Buffer.from("data on an idle stream"))]),
      Buffer.concat([preface(), Buffer.alloc(500, 0xab)]),
    ]) {
      const raw = new RawClient(listener.port);
      raw.write(bytes);
      await raw.closed;
    }
    const reset = new RawClient(listener.port);
    reset.write("POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
    await reset.until("openai");
    reset.socket.resetAndDestroy();
    expect((await h1Request(listener, "/v1/models")).body).toBe("openai");
  });
});

describe("CORS", () => {
  const corsOrigins = ["https://app.example"];

  test("answers a preflight of a configured origin and no other", async () => {
    const listener = await start({ corsOrigins });
    const preflight = (origin: string): Promise<Answer> =>
      rawOptions(listener, {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,connect-protocol-version,content-type",
      });
    const allowed = await preflight("https://app.example");
    expect(allowed.status).toBe(204);
    expect(allowed.headers).toMatchObject({
      "access-control-allow-origin": "https://app.example",
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": "authorization,connect-protocol-version,content-type",
      "access-control-max-age": "7200",
      vary: "Origin, Access-Control-Request-Headers",
    });
    const refused = await preflight("https://evil.example");
    expect(refused.status).toBe(403);
    expect(refused.headers["access-control-allow-origin"]).toBeUndefined();
    expect(refused.headers["vary"]).toBe("Origin");
  });

  test("exposes our headers to the page and varies by origin, also without one", async () => {
    const listener = await start({ corsOrigins });
    const withOrigin = await h1Request(listener, "/nowhere", { headers: { origin: "https://app.example" } });
    expect(withOrigin.headers["access-control-expose-headers"]).toMatch(/x-request-id.*x-parley-provider.*grpc-status/);
    const without = await h1Request(listener, "/v1/models");
    expect(without.headers["vary"]).toBe("Origin");
    expect(without.headers["access-control-allow-origin"]).toBeUndefined();
  });

  test("never allows credentials, and answers any origin with a star where configured so", async () => {
    const listener = await start({ corsOrigins: ["*"] });
    const answer = await h1Request(listener, "/v1/models", { headers: { origin: "https://any.example" } });
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(answer.headers["access-control-allow-credentials"]).toBeUndefined();
  });
});

describe("drain", () => {
  interface Streaming {
    readonly responses: AnyResponse[];
    readonly next: () => Promise<void>;
    readonly handlers: ListenOptions["handlers"];
  }

  function streaming(): Streaming {
    const responses: AnyResponse[] = [];
    const begun: (() => void)[] = [];
    const openai = (_request: AnyRequest, response: AnyResponse): void => {
      write(response, "begun ");
      responses.push(response);
      begun.shift()?.();
    };
    const next = (): Promise<void> => new Promise((resolve) => begun.push(resolve));
    return { responses, next, handlers: { openai, connect: () => undefined, ops: () => false } };
  }

  test("cuts no live stream on HTTP/1.1 or HTTP/2 and then closes the port", async () => {
    const { responses, next, handlers } = streaming();
    const listener = await start({ handlers });
    let begun = next();
    const h1 = h1Request(listener, "/v1/x");
    await begun;
    begun = next();
    const client = session(listener);
    const goaway = new Promise((resolve) => client.once("goaway", resolve));
    const h2 = h2Request(client, { ":path": "/v1/x" });
    await begun;
    const idle = new RawClient(listener.port);
    idle.write("GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n");
    await idle.until("404");

    const drained = listener.drain();
    expect(listener.draining).toBe(true);
    await goaway;
    await idle.closed;
    await expect(h1Request(listener, "/v1/x")).rejects.toThrow();
    for (const response of responses) {
      write(response, "still ");
      response.end("whole");
    }
    expect((await h1).body).toBe("begun still whole");
    expect((await h2).body).toBe("begun still whole");
    await drained;
    await expect.poll(() => listener.connections).toBe(0);
  });

  test("accepts and answers for acceptMs after it began, already not ready", async () => {
    const listener = await start({ drain: { acceptMs: 50, graceMs: 1000 } });
    const drained = listener.drain();
    expect((await h1Request(listener, "/v1/models")).body).toBe("openai");
    await drained;
    await expect(h1Request(listener, "/v1/models")).rejects.toThrow();
  });

  test("calls onGraceExpired when the grace is over and lets streams end typed", async () => {
    const { responses, next, handlers } = streaming();
    const listener = await start({
      handlers,
      drain: { acceptMs: 0, graceMs: 30 },
      onGraceExpired: () => responses.forEach((response) => response.end("typed end")),
    });
    const begun = next();
    const answer = h1Request(listener, "/v1/x");
    await begun;
    await listener.drain();
    expect((await answer).body).toBe("begun typed end");
  });

  test("hasten goes straight to the end of the grace", async () => {
    const { responses, next, handlers } = streaming();
    const listener = await start({
      handlers,
      drain: { acceptMs: 60_000, graceMs: 60_000 },
      onGraceExpired: () => responses.forEach((response) => response.end("typed end")),
    });
    const begun = next();
    const answer = h1Request(listener, "/v1/x");
    await begun;
    const drained = listener.drain();
    listener.hasten();
    await drained;
    expect((await answer).body).toBe("begun typed end");
  });

  test("tells an HTTP/1.1 client whose answer has not begun that its connection closes", async () => {
    const waiting = Promise.withResolvers<AnyResponse>();
    const listener = await start({
      handlers: {
        openai: (_request, response) => waiting.resolve(response),
        connect: () => undefined,
        ops: () => false,
      },
    });
    const answer = h1Request(listener, "/v1/x");
    const response = await waiting.promise;
    const drained = listener.drain();
    await expect.poll(() => response.getHeader("connection")).toBe("close");
    response.end("late");
    expect((await answer).headers["connection"]).toBe("close");
    await drained;
  });
});

function rawOptions(listener: Listener, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ port: listener.port, host: "127.0.0.1", method: "OPTIONS", path: "/v1/x", headers });
    request.on("error", reject);
    request.on("response", (response) => {
      response.resume();
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: "" }));
    });
    request.end();
  });
}

function preface(): Buffer {
  return Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0, Buffer.alloc(0))]);
}

/** `GET /v1/x` as HPACK literals. */
function getX(): Buffer {
  return Buffer.concat([
    Buffer.from([0x82, 0x86, 0x04, 5]),
    Buffer.from("/v1/x"),
    Buffer.from([0x01, 1]),
    Buffer.from("x"),
  ]);
}

function write(response: AnyResponse, text: string): void {
  (response as http.ServerResponse).write(text);
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
