import * as http from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { frame, getX, preface } from "../src/surfaces/test-frames.ts";
import { RawClient } from "../src/surfaces/test-support.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// Clients that begin and do not go on, over TCP, one and many: they are cut, and nobody else waits for them.
const TIME_MS = 300;
const IMPATIENT = `version: 1\nsandbox: true\nserver:\n  timeouts: { client_headers: ${TIME_MS}ms, client_body: ${TIME_MS}ms }\n`;
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ yaml: IMPATIENT });
});

afterAll(() => gateway.close());

/** What a slow client sends at once, what it sends again and again, and the statuses that it is answered with. */
interface SlowClient {
  readonly name: string;
  readonly bytes: () => string | Buffer;
  readonly trickle?: string | Buffer;
  readonly statuses: readonly number[];
}

const post = (path: string, type: string, more: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${gateway.localKey}\r\ncontent-type: ${type}\r\n${more}`;
const chat = (more: string): string => post("/v1/chat/completions", "application/json", more);
const rpc = (method: string, type: string): string =>
  post(`/parley.v1.ChatService/${method}`, type, "content-length: 1000\r\n\r\n{");
const halfBody = "content-length: 1000\r\n\r\n{";

const CLIENTS: readonly SlowClient[] = [
  { name: "that say nothing", bytes: () => "", statuses: [] },
  { name: "that send one byte", bytes: () => "P", statuses: [] },
  { name: "that send half a line", bytes: () => "POST /v1/ch", statuses: [408] },
  { name: "that send half a header", bytes: () => chat("x-half: "), statuses: [408] },
  { name: "that never end a header", bytes: () => chat("x-half: "), trickle: "a", statuses: [408] },
  { name: "that never end their headers", bytes: () => chat(""), trickle: "a: b\r\n", statuses: [408] },
  { name: "that send no body", bytes: () => chat("content-length: 10\r\n\r\n"), statuses: [400] },
  { name: "that send half a body", bytes: () => chat(halfBody), statuses: [400] },
  { name: "that never end a body", bytes: () => chat(halfBody), trickle: " ", statuses: [400] },
  { name: "that send half a chunk", bytes: () => chat("transfer-encoding: chunked\r\n\r\nff\r\n{"), statuses: [400] },
  {
    name: "that send chunk after chunk",
    bytes: () => chat("transfer-encoding: chunked\r\n\r\n"),
    trickle: "1\r\n \r\n",
    statuses: [400],
  },
  { name: "of Connect that send half a message", bytes: () => rpc("Generate", "application/json"), statuses: [400] },
  {
    name: "of a Connect stream that send half a message",
    bytes: () => rpc("GenerateStream", "application/connect+json"),
    statuses: [200],
  },
  {
    name: "of gRPC-Web that send half a message",
    bytes: () => rpc("GenerateStream", "application/grpc-web+proto"),
    statuses: [200],
  },
  {
    name: "without a key that send half a body",
    bytes: () => `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n${halfBody}`,
    trickle: " ",
    statuses: [401],
  },
  {
    name: "that send half a body to nowhere",
    bytes: () => `POST /nowhere HTTP/1.1\r\nhost: x\r\n${halfBody}`,
    trickle: " ",
    statuses: [404],
  },
  { name: "that send half a preface of HTTP/2", bytes: () => "PRI * HT", statuses: [] },
  { name: "of HTTP/2 that send no request", bytes: preface, statuses: [] },
  {
    name: "of HTTP/2 that send PINGs and no request",
    bytes: preface,
    trickle: frame(6, 0, 0, Buffer.alloc(8)),
    statuses: [],
  },
  {
    name: "of HTTP/2 that send half of their headers",
    bytes: () => Buffer.concat([preface(), frame(1, 1, 1, getX())]),
    statuses: [],
  },
];

/** Runs a slow client to its end; resolves with the statuses of what it got. */
async function run({ bytes, trickle }: SlowClient): Promise<number[]> {
  const client = new RawClient(gateway.port);
  client.write(bytes());
  const timer = setInterval(() => trickle !== undefined && client.socket.writable && client.write(trickle), 20);
  const received = await client.closed;
  clearInterval(timer);
  return [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
}

/** A request on a connection of its own. */
function ask(path: string, key: string, body?: object): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
    const request = http.request(
      { port: gateway.port, host: "127.0.0.1", path, method: body ? "POST" : "GET", headers, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    request.on("error", reject);
    request.end(body && JSON.stringify(body));
  });
}

/** How long a good request takes, in milliseconds. */
async function goodRequest(): Promise<number> {
  const startedMs = performance.now();
  const { status } = await ask("/v1/chat/completions", gateway.localKey, {
    model: "sandbox/echo",
    messages: [{ role: "user", content: "ok" }],
  });
  expect(status).toBe(200);
  return performance.now() - startedMs;
}

async function gauge(name: string): Promise<number> {
  const { text } = await ask("/metrics", gateway.adminKey);
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
}

describe("clients", () => {
  test("of HTTP/2 that send half a body get their answer, and their stream is closed", async () => {
    const open = new RawClient(gateway.port);
    open.write(Buffer.concat([preface(), frame(1, 4, 1, getX())]));
    const noError = frame(3, 0, 1, Buffer.alloc(4));
    await open.until(noError.toString("latin1"));
    expect(open.received).toContain("Cannot find this path");
    open.socket.destroy();
  });

  test(
    "of all kinds, many at once, are cut, keep nobody waiting and leave nothing behind",
    { timeout: 20_000 },
    async () => {
      const count = 15;
      const startedMs = performance.now();
      const slow = CLIENTS.map((client) => Promise.all(Array.from({ length: count }, () => run(client))));
      await expect.poll(() => gauge("parley_open_connections")).toBeGreaterThan(200);
      const times: number[] = [];
      for (let asked = 0; asked < 20; asked++) times.push(await goodRequest());
      expect(Math.max(...times)).toBeLessThan(2000);
      const statuses = await Promise.all(slow);
      // A clock for the headers and one for the body, and what a busy machine needs to look at them.
      expect(performance.now() - startedMs).toBeLessThan(20 * TIME_MS);
      const byName = (list: readonly (readonly (readonly number[])[])[]) =>
        Object.fromEntries(CLIENTS.map(({ name }, index) => [name, list[index]]));
      expect(byName(statuses)).toEqual(byName(CLIENTS.map((client) => new Array(count).fill(client.statuses))));
      // What is left is the one connection, and its request, that asks.
      await expect.poll(() => gauge("parley_open_connections")).toBe(1);
      expect(await gauge("parley_running_requests")).toBe(1);
      expect(await gauge("parley_chat_running")).toBe(0);
    },
  );
});

describe("clients that do not read", () => {
  const story = JSON.stringify({
    model: "sandbox/story@delay_ms=0,tokens=100000",
    stream: true,
    messages: [{ role: "user", content: "go" }],
  });
  const model = "story@delay_ms=0,tokens=100000";

  test("hold up their own stream only, and the provider is not read for them", { timeout: 20_000 }, async () => {
    const readers = Array.from({ length: 3 }, () => {
      const reader = new RawClient(gateway.port);
      reader.socket.pause();
      reader.write(chat(`content-length: ${story.length}\r\n\r\n${story}`));
      return reader;
    });
    const sent = (): number => gateway.sandbox.books.of(model).reduce((sum, attempt) => sum + attempt.bytesSent, 0);
    await gateway.sandbox.books.until((books) => books.of(model).length === 3);
    let last = -1;
    // Until nothing moves any more: everybody on the way has what they may hold.
    await expect.poll(() => last === (last = sent()), { interval: 200, timeout: 10_000 }).toBe(true);
    expect(gateway.sandbox.books.of(model).map((attempt) => attempt.ended)).toEqual(new Array(3).fill("running"));
    expect(await goodRequest()).toBeLessThan(2000);
    for (const reader of readers) reader.socket.destroy();
    await gateway.sandbox.books.until((books) => books.of(model).every((attempt) => attempt.ended === "client_closed"));
    await expect.poll(() => gauge("parley_chat_running")).toBe(0);
  });
});
