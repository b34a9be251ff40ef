import * as http2 from "node:http2";
import { describe, expect, test } from "vitest";
import { ParleyError } from "../errors/index.ts";
import { realRuntime } from "../runtime/real.ts";
import type { AnyRequest, AnyResponse } from "./exchange.ts";
import { sendPlainError } from "./plain-error.ts";
import { readBody } from "./request-body.ts";
import { h1Request, h2Request, session, starter } from "./test-clients.ts";
import { frame, getX, preface } from "./test-frames.ts";
import { RawClient, write } from "./test-support.ts";

const runtime = realRuntime();
const start = starter(runtime);

/** Answers with the body's length, or with the typed refusal. */
function lengthOf(bodyTimeoutMs: number, maxBytes = 1000) {
  return (request: AnyRequest, response: AnyResponse): void => {
    readBody(request, { maxBytes, timeoutMs: bodyTimeoutMs, runtime }).then(
      (body) => response.end(`${body.length} bytes`),
      (thrown: unknown) => sendPlainError(response, ParleyError.from(thrown), { requestId: "req_1", errorId: "err_1" }),
    );
  };
}

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
    await expect(h2Request(client, { ":path": "/v1/models", "x-long": "a".repeat(8000) })).rejects.toThrow(/NGHTTP2/);
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
