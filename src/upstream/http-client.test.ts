import { once } from "node:events";
import net, { type AddressInfo, type Server, type Socket } from "node:net";
import tls from "node:tls";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ErrorReason } from "../contract/index.ts";
import type { ParleyError } from "../errors/index.ts";
import { realRuntime } from "../runtime/real.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { createHttpClient } from "./http-client.ts";
import type { UpstreamCall, UpstreamClient, UpstreamRequest } from "./upstream.ts";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server of bytes: `onRequest` hears each whole request (they have a body of two bytes) and writes what it likes. */
async function serve(onRequest: (socket: Socket, count: number, text: string) => void, secure = false) {
  const sockets: Socket[] = [];
  let requests = 0;
  const onConnection = (socket: Socket): void => {
    sockets.push(socket);
    let text = "";
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString("utf8");
      for (let end = text.indexOf("{}"); end >= 0; end = text.indexOf("{}")) {
        const request = text.slice(0, end + 2);
        text = text.slice(end + 2);
        onRequest(socket, ++requests, request);
      }
    });
  };
  const server: Server = secure ? tls.createServer(await certificate(), onConnection) : net.createServer(onConnection);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { sockets, port: (server.address() as AddressInfo).port, requests: () => requests };
}

async function certificate() {
  const { selfSigned } = await import("../surfaces/test-certificate.ts");
  const made = selfSigned("127.0.0.1");
  const before = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...before, made.cert]);
  closers.push(() => tls.setDefaultCACertificates(before));
  return made;
}

function client(options: { connections?: number; runtime?: Runtime } = {}): UpstreamClient {
  const { connections = 8, runtime = realRuntime() } = options;
  const made = createHttpClient({
    connectMs: 2_000,
    connectionsPerOrigin: connections,
    maxHeaderBytes: 4_096,
    runtime,
  });
  closers.push(() => made.close());
  return made;
}

interface Answer {
  status?: number;
  headers?: Readonly<Record<string, string>>;
  body: string;
  error?: ParleyError;
}

interface Asked {
  readonly call: UpstreamCall;
  readonly answer: Promise<Answer>;
}

function ask(upstream: UpstreamClient, port: number, more: Partial<UpstreamRequest> = {}, onData?: () => void): Asked {
  const answer: Answer = { body: "" };
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const request = {
    origin: `http://127.0.0.1:${port}`,
    path: "/v1/x",
    method: "POST" as const,
    headers: {},
    body: "{}",
  };
  const call = upstream.dispatch(
    { ...request, ...more },
    {
      onHeaders: (status, headers) => Object.assign(answer, { status, headers }),
      onData(chunk) {
        answer.body += chunk.toString("utf8");
        onData?.();
      },
      onEnd: () => resolve(answer),
      onError: (error) => resolve({ ...answer, error }),
    },
  );
  return { call, answer: promise };
}

const ok = (body = "yes", more = ""): string =>
  `HTTP/1.1 200 OK\r\n${more}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const whole = { status: 200, body: "yes" };

describe("a connection is used again", () => {
  test("after a whole answer, whatever framed it", async () => {
    const server = await serve((socket, count) => {
      if (count === 1) socket.write(ok());
      else if (count === 2) socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n");
      else socket.write("HTTP/1.1 204 No Content\r\n\r\n");
    });
    const upstream = client();
    expect(await ask(upstream, server.port).answer).toMatchObject(whole);
    expect(await ask(upstream, server.port).answer).toMatchObject(whole);
    expect(await ask(upstream, server.port).answer).toMatchObject({ status: 204, body: "" });
    expect(server.sockets).toHaveLength(1);
  });

  test.each<[string, (socket: Socket) => void]>([
    ["its server says that it closes", (socket) => socket.write(ok("yes", "connection: close\r\n"))],
    ["its server closes idle connections at once", (socket) => socket.write(ok("yes", "keep-alive: timeout=1\r\n"))],
    ["more came than was asked for", (socket) => socket.write(ok() + ok("no"))],
    ["HTTP/1.0 keeps nothing open", (socket) => socket.write(ok().replace("1.1", "1.0"))],
    ["its end was the answer's end", (socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nyes")],
  ])("but not where %s", async (_why, respond) => {
    const server = await serve((socket) => respond(socket));
    const upstream = client();
    expect(await ask(upstream, server.port).answer).toMatchObject(whole);
    expect(await ask(upstream, server.port).answer).toMatchObject(whole);
    expect(server.sockets).toHaveLength(2);
  });

  test("but not after its server has closed or spoken out of turn", async () => {
    const server = await serve((socket) => socket.write(ok()));
    const upstream = client();
    await ask(upstream, server.port).answer;
    server.sockets[0]!.write("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
    await once(server.sockets[0]!, "close");
    expect(await ask(upstream, server.port).answer).toMatchObject(whole);
    server.sockets[1]!.end();
    await once(server.sockets[1]!, "close");
    expect(await ask(upstream, server.port).answer).toMatchObject(whole);
    expect(server.sockets).toHaveLength(3);
  });

  test("but not for long: after 10 s, or two seconds before its server would close it, it is closed", async () => {
    const runtime = new VirtualRuntime();
    const server = await serve((socket, count) =>
      socket.write(ok("yes", count > 1 ? "keep-alive: timeout=5\r\n" : "")),
    );
    const upstream = client({ runtime });
    for (const idleMs of [10_000, 3_000]) {
      expect(await ask(upstream, server.port).answer).toMatchObject(whole);
      const closed = once(server.sockets.at(-1)!, "close");
      await runtime.advance(idleMs - 1_500);
      expect(server.sockets.at(-1)!.destroyed).toBe(false);
      await runtime.advance(2_500);
      await closed;
    }
    expect(server.sockets).toHaveLength(2);
    expect(runtime.pendingTimers).toBe(0);
  });
});

describe("what breaks is told once, and typed", () => {
  test.each<[string, (socket: Socket) => void, ErrorReason, string]>([
    ["closed before an answer", (socket) => socket.end(), ErrorReason.PROVIDER_UNREACHABLE, "was closed"],
    ["reset before an answer", (socket) => socket.resetAndDestroy(), ErrorReason.PROVIDER_UNREACHABLE, "was reset"],
    [
      "closed within the headers",
      (socket) => socket.end("HTTP/1.1 200 OK\r\nx:"),
      ErrorReason.PROVIDER_UNREACHABLE,
      "was closed",
    ],
    ["closed within the body", (socket) => socket.end(ok().slice(0, -1)), ErrorReason.STREAM_INTERRUPTED, "was closed"],
    [
      "closed before the last chunk",
      (socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\n"),
      ErrorReason.STREAM_INTERRUPTED,
      "was closed",
    ],
    [
      "a broken chunk",
      (socket) => socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\n3 "),
      ErrorReason.STREAM_INTERRUPTED,
      "a chunk's size is no number",
    ],
    ["no HTTP", (socket) => socket.write("SSH-2.0-x\r\n"), ErrorReason.PROVIDER_BAD_OUTPUT, "HTTP/1.1"],
    [
      "two lengths",
      (socket) => socket.write(ok("yes", "content-length: 9\r\n")),
      ErrorReason.PROVIDER_BAD_OUTPUT,
      "content-length",
    ],
    [
      "a head without end",
      (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(9_000)}`),
      ErrorReason.PROVIDER_BAD_OUTPUT,
      "too large",
    ],
  ])("%s", async (_what, respond, reason, words) => {
    const server = await serve((socket, count) => (count === 1 ? respond(socket) : socket.write(ok())));
    const upstream = client();
    const { error, body } = await ask(upstream, server.port).answer;
    expect(error).toMatchObject({ reason, message: expect.stringContaining(words) as string });
    expect(body).toBe(reason === ErrorReason.STREAM_INTERRUPTED ? "yes".slice(0, body.length) : "");
    // The next call is none the worse for it.
    expect(await ask(upstream, server.port).answer).toMatchObject(whole);
    expect(server.sockets).toHaveLength(2);
  });

  test("nobody there", async () => {
    const server = await serve(() => undefined);
    const { port } = server;
    await closers.pop()!();
    const { error } = await ask(client(), port).answer;
    expect(error).toMatchObject({ reason: ErrorReason.PROVIDER_UNREACHABLE });
    expect(error?.message).toContain("was refused");
  });

  test("a server that does not finish the handshake", async () => {
    const runtime = new VirtualRuntime();
    const server = await serve(() => undefined);
    const { answer } = ask(client({ runtime }), server.port, { origin: `https://127.0.0.1:${server.port}` });
    await vi.waitFor(() => expect(server.sockets).toHaveLength(1));
    await runtime.advance(2_000);
    const { error } = await answer;
    expect(error?.message).toContain("connecting took too long");
    expect(runtime.pendingTimers).toBe(0);
  });

  test("a certificate that nobody vouches for", async () => {
    const server = await serve((socket) => socket.write(ok()), true);
    tls.setDefaultCACertificates([]);
    const { error } = await ask(client(), server.port, { origin: `https://127.0.0.1:${server.port}` }).answer;
    expect(error).toMatchObject({ reason: ErrorReason.PROVIDER_UNREACHABLE });
    expect(error?.message).toContain("self-signed");
  });

  test("the end of the client, for those that run, wait and come later", async () => {
    const server = await serve((socket, count) => void (count === 1 && socket.write(ok("yes").slice(0, -1))));
    const upstream = client({ connections: 1 });
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const running = ask(upstream, server.port, {}, resolve);
    const waiting = ask(upstream, server.port);
    await begun;
    await upstream.close();
    expect((await running.answer).error?.reason).toBe(ErrorReason.STREAM_INTERRUPTED);
    expect((await waiting.answer).error?.reason).toBe(ErrorReason.PROVIDER_UNREACHABLE);
    expect((await ask(upstream, server.port).answer).error?.reason).toBe(ErrorReason.PROVIDER_UNREACHABLE);
    expect(server.requests()).toBe(1);
  });

  test.each([
    ["a header's value", { headers: { "x-a": "b\r\nx-evil: 1" } }],
    ["a header's name", { headers: { "x-a: b\r\nx-evil": "1" } }],
    ["a header of ours", { headers: { "content-length": "1" } }],
    ["a path", { path: "/v1/x HTTP/1.1\r\nx-evil: 1\r\n\r\n" }],
    ["a path without its slash", { path: "v1" }],
  ])("a request that could be read as another: %s", async (_what, more) => {
    const server = await serve((socket) => socket.write(ok()));
    expect((await ask(client(), server.port, more).answer).error).toMatchObject({
      reason: ErrorReason.PROVIDER_UNREACHABLE,
    });
    expect(server.sockets).toHaveLength(0);
  });
});

describe("calls", () => {
  test("go out as one request each, in UTF-8, with the length in bytes", async () => {
    const texts: string[] = [];
    const server = await serve((socket, _count, text) => {
      texts.push(text);
      socket.write(ok());
    });
    const upstream = client();
    const headers = { "content-type": "application/json", authorization: "Bearer k" };
    await ask(upstream, server.port, { headers, body: "é😀 {}" }).answer;
    await ask(upstream, server.port, { headers, path: "/v1/y?a=b" }).answer;
    const common = `host: 127.0.0.1:${server.port}\r\nconnection: keep-alive\r\ncontent-type: application/json\r\nauthorization: Bearer k\r\n`;
    expect(texts).toEqual([
      `POST /v1/x HTTP/1.1\r\n${common}content-length: 9\r\n\r\né😀 {}`,
      `POST /v1/y?a=b HTTP/1.1\r\n${common}content-length: 2\r\n\r\n{}`,
    ]);
  });

  test("share connections up to the limit, and the others wait their turn", async () => {
    let held: Socket[] = [];
    const server = await serve((socket, count) => {
      held.push(socket);
      if (held.length < 3 && count < 20) return;
      for (const one of held) one.write(ok());
      held = [];
    });
    const upstream = client({ connections: 3 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(upstream, server.port).answer));
    expect(answers.every(({ status, body }) => status === 200 && body === "yes")).toBe(true);
    expect(server.sockets).toHaveLength(3);
  });

  test("that wait get a new connection where another one breaks", async () => {
    const server = await serve((socket, count) => (count === 1 ? socket.destroy() : socket.write(ok())));
    const upstream = client({ connections: 1 });
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => ask(upstream, server.port).answer));
    expect(first?.error?.reason).toBe(ErrorReason.PROVIDER_UNREACHABLE);
    expect(others).toMatchObject([whole, whole]);
  });

  test("that are aborted close their connection, never go out where they waited, and tell nothing", async () => {
    const server = await serve((socket, count) => socket.write(count === 1 ? ok().slice(0, -1) : ok()));
    const upstream = client({ connections: 1 });
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const running = ask(upstream, server.port, {}, resolve);
    const waiting = ask(upstream, server.port);
    const last = ask(upstream, server.port);
    const told = vi.fn<(answer: Answer) => void>();
    void running.answer.then(told);
    void waiting.answer.then(told);
    await begun;
    waiting.call.abort();
    running.call.abort();
    await once(server.sockets[0]!, "close");
    expect(await last.answer).toMatchObject(whole);
    expect(server.requests()).toBe(2);
    expect(told).not.toHaveBeenCalled();
  });

  test("that are aborted before they are connected leave no connection behind", async () => {
    const server = await serve((socket) => socket.write(ok()));
    const upstream = client();
    ask(upstream, server.port).call.abort();
    expect(await ask(upstream, server.port).answer).toMatchObject(whole);
    expect(server.requests()).toBe(1);
    await vi.waitFor(() => expect(server.sockets.filter((socket) => !socket.destroyed)).toHaveLength(1));
  });

  test("that pause let the provider wait, and lose nothing", async () => {
    const piece = "x".repeat(64 * 1024);
    const pieces = 400;
    const chunk = `${piece.length.toString(16)}\r\n${piece}\r\n`;
    let sent = 0;
    const server = await serve((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      const send = (): void => {
        while (sent < pieces) {
          sent += 1;
          if (!socket.write(chunk)) return void socket.once("drain", send);
        }
        socket.write("0\r\n\r\n");
      };
      send();
    });
    const upstream = client();
    let reads = 0;
    const { promise: paused, resolve } = Promise.withResolvers<void>();
    const { call, answer } = ask(upstream, server.port, {}, () => {
      reads += 1;
      if (reads > 1) return;
      call.pause();
      resolve();
    });
    await paused;
    // The system's buffers fill, and then nothing moves any more.
    for (let before = -1; before !== sent;) {
      before = sent;
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    }
    expect(reads).toBe(1);
    expect(sent).toBeLessThan(pieces);
    call.resume();
    expect((await answer).body).toHaveLength(pieces * piece.length);
    expect(await ask(upstream, server.port).answer).toMatchObject({ status: 200 });
  });

  test("go over TLS, and the next connection spares a part of the handshake", async () => {
    const resumed: boolean[] = [];
    const server = await serve((socket) => {
      resumed.push((socket as tls.TLSSocket).isSessionReused());
      socket.write(ok("yes", "connection: close\r\n"));
    }, true);
    const upstream = client();
    const origin = `https://127.0.0.1:${server.port}`;
    for (let turn = 0; turn < 3; turn++) {
      expect(await ask(upstream, server.port, { origin }).answer).toMatchObject(whole);
    }
    expect(resumed).toEqual([false, true, true]);
  });
});
