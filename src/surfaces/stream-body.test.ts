import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { AnyResponse } from "./exchange.ts";
import { StreamBody } from "./stream-body.ts";

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const PIECES = ["plain\n\n", "é😀 and\r\n0\r\n\r\n", Buffer.from([0, 255, 13, 10]), "x".repeat(70_000)];
const TEXT = Buffer.concat(PIECES.map((piece) => Buffer.from(piece)));

function answer(response: AnyResponse, last: string | Uint8Array, hasTrailers = false): void {
  const body = new StreamBody(response, 1024);
  body.begin(200, { "content-type": "text/plain" }, hasTrailers);
  for (const piece of PIECES) body.write(piece);
  if (hasTrailers) (response as http.ServerResponse).addTrailers({ "x-end": "yes" });
  body.end(last);
}

async function serve(handle: (response: http.ServerResponse) => void): Promise<number> {
  const server = http.createServer((_request, response) => handle(response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** All bytes that come for a request, until the connection closes. */
async function bytesOf(port: number, request: string): Promise<Buffer> {
  const socket = net.connect(port, "127.0.0.1");
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  socket.write(request);
  await once(socket, "close");
  return Buffer.concat(parts);
}

describe("the body of a stream", () => {
  test.each([
    ["a text", "the end é"],
    ["bytes", Buffer.from("the end")],
    ["nothing", ""],
  ])(
    "comes over HTTP/1.1 as node:http would frame it, on a connection that goes on, with %s as its last piece",
    async (_what, last) => {
      const port = await serve((response) => answer(response, last));
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      closers.push(() => agent.destroy());
      for (let turn = 0; turn < 2; turn++) {
        const [response] = (await once(http.get({ port, host: "127.0.0.1", agent }), "response")) as [
          http.IncomingMessage,
        ];
        expect(response.headers["transfer-encoding"]).toBe("chunked");
        const parts: Buffer[] = [];
        for await (const part of response) parts.push(part as Buffer);
        expect(Buffer.concat(parts).equals(Buffer.concat([TEXT, Buffer.from(last)]))).toBe(true);
        expect(response.complete).toBe(true);
      }
      expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    },
  );

  test("has no chunks for a client of HTTP/1.0, and ends with the connection", async () => {
    const port = await serve((response) => answer(response, "the end"));
    const bytes = await bytesOf(port, "GET / HTTP/1.0\r\n\r\n");
    const body = bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
    expect(body.equals(Buffer.concat([TEXT, Buffer.from("the end")]))).toBe(true);
  });

  test("is not ended by a cut", async () => {
    const port = await serve((response) => {
      const body = new StreamBody(response, 1024);
      body.begin(200, {});
      body.write("half");
      setImmediate(() => response.destroy());
    });
    const bytes = await bytesOf(port, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(bytes.toString()).toMatch(/\r\n\r\n4\r\nhalf\r\n$/);
  });

  test("has its trailers, framed by node:http", async () => {
    const port = await serve((response) => answer(response, "", true));
    const [response] = (await once(http.get({ port, host: "127.0.0.1", agent: false }), "response")) as [
      http.IncomingMessage,
    ];
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    expect(Buffer.concat(parts).equals(TEXT)).toBe(true);
    expect(response.trailers).toEqual({ "x-end": "yes" });
  });

  test("goes over HTTP/2 in its frames", async () => {
    const server = http2.createServer((_request, response) => answer(response, "the end")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    closers.push(() => {
      session.destroy();
      server.close();
    });
    const parts: Buffer[] = [];
    for await (const part of session.request({ ":path": "/" })) parts.push(part as Buffer);
    expect(Buffer.concat(parts).equals(Buffer.concat([TEXT, Buffer.from("the end")]))).toBe(true);
  });

  test("asks to pause only where more than its bound waits", async () => {
    const asked: boolean[] = [];
    const port = await serve((response) => {
      const body = new StreamBody(response, 300_000);
      body.begin(200, {});
      // Nothing leaves within this turn: the response collects what is written.
      for (let piece = 0; piece < 4; piece++) asked.push(body.write("y".repeat(100_000)));
      body.end("");
    });
    await once((await once(http.get({ port, host: "127.0.0.1", agent: false }), "response"))[0].resume(), "end");
    expect(asked).toEqual([true, true, false, false]);
  });
});
