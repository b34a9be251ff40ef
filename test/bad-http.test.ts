import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { frame, getX, preface } from "../src/surfaces/test-frames.ts";
import { RawClient } from "../src/surfaces/test-support.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// Bytes that are hardly HTTP, over TCP: each connection gets a typed answer or its protocol's own refusal, and closes.
const IMPATIENT =
  "version: 1\nsandbox: true\nserver:\n  limits: { headers: 8KiB }\n  timeouts: { client_headers: 400ms, client_body: 400ms }\n";
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ yaml: IMPATIENT });
});

afterAll(() => gateway.close());

async function stillGood(): Promise<void> {
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${gateway.localKey}` },
    body: JSON.stringify({ model: "sandbox/echo", messages: [{ role: "user", content: "ok" }] }),
  });
  expect(response.status).toBe(200);
}

/** What the gateway answers until it closes the connection. */
async function answerTo(bytes: string | Uint8Array): Promise<string> {
  const client = new RawClient(gateway.port);
  client.write(bytes);
  const received = await client.closed;
  await stillGood();
  return received;
}

const post = (more: string): string =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a-key-of-nobody-at-all\r\n${more}`;
const get = (more: string, target = "/v1/models"): string => `GET ${target} HTTP/1.1\r\nhost: x\r\n${more}\r\n`;

describe("HTTP/1.1", () => {
  test.each<[string, string | Uint8Array, number]>([
    ["words", "hello there\r\n\r\n", 400],
    ["bytes", Buffer.from([0, 1, 2, 3, 4, 5, 13, 10, 13, 10]), 400],
    ["a TLS handshake", Buffer.from("16030100200100001c0303", "hex"), 400],
    ["a version of the future", "GET / HTTP/9.9\r\nhost: x\r\n\r\n", 400],
    ["no target", "GET HTTP/1.1\r\nhost: x\r\n\r\n", 400],
    ["a method in lower case", "get / HTTP/1.1\r\nhost: x\r\n\r\n", 400],
    ["a method that nobody knows", "BREW / HTTP/1.1\r\nhost: x\r\n\r\n", 400],
    ["CONNECT", "CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n", 405],
    ["a target with a space", get("", "/a b"), 400],
    ["a target with a control character", get("", "/a\u0001b"), 400],
    ["a target beyond ASCII", Buffer.from(get("", "/\u00e4")), 400],
    ["a target that is too long", get("", `/${"u".repeat(20_000)}`), 431],
    ["no host", "GET /v1/models HTTP/1.1\r\n\r\n", 400],
    ["an expectation that nobody meets", post("expect: 200-ok\r\ncontent-length: 2\r\n\r\n{}"), 417],
    ["a length that is no number", post("content-length: abc\r\n\r\n"), 400],
    ["a length below nothing", post("content-length: -1\r\n\r\n"), 400],
    ["a length with a sign", post("content-length: +2\r\n\r\n{}"), 400],
    ["a length of 2^66", post("content-length: 99999999999999999999\r\n\r\n{}"), 400],
    ["two lengths", post("content-length: 2\r\ncontent-length: 3\r\n\r\n{}"), 400],
    ["a length and chunks", post("content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"), 400],
    ["a transfer encoding that is none", post("transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"), 400],
    ["chunks that are not last", post("transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"), 400],
    ["a chunk of no size", post("transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"), 400],
    ["a chunk of 2^68 bytes", post("transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), 400],
    [
      "chunk extensions without end",
      post(`transfer-encoding: chunked\r\n\r\n2;${"e".repeat(20_000)}\r\n{}\r\n0\r\n\r\n`),
      413,
    ],
    [
      "trailers without end",
      post(`transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n${"t: 1\r\n".repeat(3000)}\r\n`),
      431,
    ],
    ["a header without a colon", get("nonsense\r\n"), 400],
    ["a header without a name", get(": 1\r\n"), 400],
    ["a header with a space in its name", get("x a: 1\r\n"), 400],
    ["a header's name beyond ASCII", Buffer.from(get("\u00e4: 1\r\n")), 400],
    ["a carriage return in a header", get("x-a: b\rx-evil: 1\r\n"), 400],
    ["a line feed in a header", get("x-a: b\nx-evil: 1\r\n"), 400],
    ["a null in a header", get("x-a: b\u0000c\r\n"), 400],
    ["a folded header", get("x-a: b\r\n c\r\n"), 400],
    ["headers without end", get("x: y\r\n".repeat(3000)), 431],
    ["half a header, then silence", "GET /v1/models HTTP/1.1\r\nhost: x\r\nx-half: ", 408],
  ])("%s gets a typed refusal and a closed connection", async (_name, bytes, status) => {
    const received = await answerTo(bytes);
    const at = received.lastIndexOf(`HTTP/1.1 ${status} `);
    expect(received.slice(0, 12)).toMatch(/^HTTP\/1\.1 (4\d\d)$/);
    expect(at).toBeGreaterThanOrEqual(0);
    const [head = "", body = ""] = received.slice(at).split("\r\n\r\n");
    expect(head).toMatch(/\r\nx-request-id: req_\w+/i);
    expect(head).toMatch(/\r\nconnection: close/i);
    expect(head).not.toMatch(/x-evil/);
    expect(JSON.parse(body)).toMatchObject({
      error: { message: expect.stringMatching(/^Cannot /), parley: { reason: "invalid_request" } },
    });
  });

  test("a second request hidden behind the first one's body is a request of its own, and needs a key of its own", async () => {
    const hidden = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    const first = `POST /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${gateway.adminKey}\r\ncontent-length: 2\r\n\r\n{}`;
    const received = await answerTo(first + hidden);
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 405", "HTTP/1.1 401"]);
  });

  test("an upgrade is not followed", async () => {
    for (const upgrade of ["websocket", "h2c"]) {
      const received = await answerTo(get(`connection: upgrade, close\r\nupgrade: ${upgrade}\r\n`));
      expect(received).toMatch(/^HTTP\/1\.1 401 /);
    }
  });
});

describe("HTTP/2", () => {
  const frames = (...list: Buffer[]): Buffer => Buffer.concat([preface(), ...list]);
  const many = (count: number, make: (index: number) => Buffer): Buffer[] =>
    Array.from({ length: count }, (_, index) => make(index));

  test.each<[string, Buffer]>([
    ["a preface that is wrong", Buffer.from("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")],
    ["a method that begins like the preface", Buffer.from("PRI / HTTP/1.1\r\nhost: x\r\n\r\n")],
    ["data without a stream", frames(frame(0, 0, 0, Buffer.from("x")))],
    ["a frame of 16 MiB", frames(Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]))],
    ["headers that cannot be unpacked", frames(frame(1, 5, 1, Buffer.alloc(5, 0xff)))],
    ["a stream of the server's", frames(frame(1, 5, 2, getX()))],
    ["settings out of range", frames(frame(4, 0, 0, Buffer.from([0, 4, 255, 255, 255, 255])))],
    ["a window beyond its limit", frames(frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])))],
    [
      "headers that go on and on",
      frames(frame(1, 1, 1, getX()), ...many(50, () => frame(9, 0, 1, Buffer.alloc(1000)))),
    ],
    ["a flood of PINGs", frames(...many(5000, () => frame(6, 0, 0, Buffer.alloc(8))))],
    ["a flood of settings", frames(...many(5000, () => frame(4, 0, 0, Buffer.alloc(0))))],
    [
      "a flood of resets",
      frames(
        ...many(1000, (index) =>
          Buffer.concat([frame(1, 5, 1 + 2 * index, getX()), frame(3, 0, 1 + 2 * index, Buffer.from([0, 0, 0, 8]))]),
        ),
      ),
    ],
  ])("%s ends the connection", async (_name, bytes) => {
    const received = Buffer.from(await answerTo(bytes), "latin1");
    const types = [];
    for (let at = 0; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3)) types.push(received[at + 3]);
    expect(types[0]).toBe(4); // settings
    expect(types).toContain(7); // GOAWAY
  });

  test.each<[string, Buffer]>([
    ["headers of nothing", frames(frame(1, 5, 1, Buffer.alloc(0)))],
    [
      "a header in capitals",
      frames(
        frame(
          1,
          5,
          1,
          Buffer.concat([getX(), Buffer.from([0, 3]), Buffer.from("X-A"), Buffer.from([1]), Buffer.from("b")]),
        ),
      ),
    ],
    ["half a preface", Buffer.from("PRI * HT")],
    ["a frame of a kind that nobody knows", frames(frame(0x77, 0, 0, Buffer.from("x")))],
  ])("%s does not outlive the time for headers", async (_name, bytes) => {
    await answerTo(bytes);
  });

  test.each([
    ["two keys", 2],
    ["one key, for comparison,", 1],
  ])("%s in headers of their own", async (_name, count) => {
    const literal = (name: string, value: string) => [
      Buffer.from([0, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ];
    const path = "/v1/models";
    const key = literal("authorization", `Bearer ${gateway.localKey}`);
    const head = Buffer.concat([
      Buffer.from([0x82, 0x86, 0x04, path.length]),
      Buffer.from(path),
      ...literal(":authority", "x"),
      ...Array.from({ length: count }, () => key).flat(),
    ]);
    const client = new RawClient(gateway.port);
    client.write(frames(frame(1, 5, 1, head)));
    await client.until(count === 1 ? "sandbox/echo" : "Cannot authenticate");
    client.socket.destroy();
  });

  test("a carriage return and a line feed in a header go nowhere", async () => {
    const evil = Buffer.concat([
      getX(),
      Buffer.from([0, 12]),
      Buffer.from("x-request-id"),
      Buffer.from([9]),
      Buffer.from("b\r\nx: 123"),
    ]);
    const client = new RawClient(gateway.port);
    client.write(frames(frame(1, 5, 1, evil)));
    await client.until("Cannot find this path");
    expect(client.received).not.toContain("b\r\nx");
    client.socket.destroy();
    await stillGood();
  });
});
