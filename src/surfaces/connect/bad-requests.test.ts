import * as http from "node:http";
import * as http2 from "node:http2";
import { gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GenerateRequestSchema } from "../../contract/index.ts";
import { realRuntime } from "../../runtime/real.ts";
import { InFlightBudget } from "../in-flight-budget.ts";
import type { Listener } from "../listener.ts";
import { Readiness } from "../readiness.ts";
import { TEST_KEY, TestGateway } from "../test-gateway.ts";
import { listenForTest, RawClient, silentLog } from "../test-support.ts";
import { createConnectSurface } from "./surface.ts";

const runtime = realRuntime();
const budget = new InFlightBudget(200_000);
let listener: Listener;

beforeAll(async () => {
  const connect = createConnectSurface({
    gateway: new TestGateway(),
    runtime,
    log: silentLog,
    limits: { requestBytes: 20_000, requestWithMediaBytes: 100_000, jsonDepth: 16, streamBufferBytes: 64 * 1024 },
    timeouts: { clientBodyMs: 150 },
    open: [],
    readiness: new Readiness(),
    budget,
  });
  listener = await listenForTest(runtime, {
    handlers: { openai: () => undefined, connect, ops: () => false },
    corsOrigins: ["https://app.example"],
  });
});

afterAll(() => listener.close());

const ask = (model: string, text = "hi") => ({
  model,
  messages: [{ role: 1 as const, parts: [{ kind: { case: "text" as const, value: { text } } }] }],
});

describe("what clients get wrong", () => {
  const generate = "/parley.v1.ChatService/Generate";

  async function post(
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<{
    status: number;
    body: { code: string; message: string; details: { type: string; debug: { reason: string; field?: string } }[] };
    headers: Headers;
  }> {
    const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${TEST_KEY}`, "content-type": "application/json", ...headers },
    });
    return { status: response.status, body: JSON.parse(await response.text()), headers: response.headers };
  }

  test.each([
    ["no JSON", "{secret", /it is not valid JSON$/],
    ["an empty body", "", /it is not valid JSON$/],
    ["an array", "[]", /it is no parley\.v1\.GenerateRequest in JSON$/],
    ["a wrong type", '{"request":{"model":5}}', /: model is wrong, expected string$/],
    ["a wrong type in a list", '{"request":{"messages":"secret"}}', /: messages is wrong, expected Array$/],
    ["an unknown field", '{"request":{"modle":"secret"}}', /parley\.v1\.ChatRequest has no field \\?"modle\\?"$/],
    ["a field twice", '{"request":{"model":"a","model":"b"}}', /key twice|set multiple times/],
    [
      "a wrong enum word",
      '{"request":{"messages":[{"role":"SECRET"}]}}',
      /: messages\[0\]\.role is no parley\.v1\.Role in JSON$/,
    ],
    [
      "two kinds of a part",
      '{"request":{"messages":[{"parts":[{"text":{},"media":{}}]}]}}',
      /parley\.v1\.Part\.kind is wrong, oneof set multiple times$/,
    ],
    [
      "bad base64",
      '{"request":{"messages":[{"parts":[{"media":{"inline":"!secret"}}]}]}}',
      /: messages\[0\]\.parts\[0\]\.media\.inline is wrong, invalid base64$/,
    ],
    ["deep nesting", `{"request":${"[".repeat(100)}`, /nests deeper than the limit of 16 levels$/],
    ["invalid UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), /it is not valid UTF-8$/],
  ])("%s gets a typed invalid_argument that quotes no content", async (_name, body, message) => {
    const answer = await post(generate, body);
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe("invalid_argument");
    expect(answer.body.message).toMatch(message);
    expect(answer.body.message).not.toMatch(/secret/i);
    expect(answer.body.details[0]).toMatchObject({
      type: "parley.v1.GatewayError",
      debug: { reason: "ERROR_REASON_INVALID_REQUEST" },
    });
    expect(answer.headers.get("x-request-id")).toMatch(/^req_\w+$/);
  });

  test("binary that is no message, or has fields that are not known here, gets a typed invalid_argument", async () => {
    const binary = { "content-type": "application/proto" };
    expect((await post(generate, new Uint8Array([0x0a, 0xff]), binary)).body.message).toMatch(
      /not a parley\.v1\.GenerateRequest in binary form$/,
    );
    const message = create(GenerateRequestSchema, { request: ask("echo") });
    message.request!.messages[0]!.$unknown = [{ no: 4242, wireType: 0, data: new Uint8Array([1]) }];
    const unknown = await post(generate, toBinary(GenerateRequestSchema, message), binary);
    expect(unknown.body.code).toBe("invalid_argument");
    expect(unknown.body.message).toMatch(/field 4242 of parley\.v1\.Message is not known/);
  });

  test("an unknown method, content type, HTTP method or compression is named", async () => {
    const missing = await post("/parley.v1.ChatService/Nothing", "{}");
    expect([missing.status, missing.body.code]).toEqual([404, "unimplemented"]);
    const type = await post(generate, "{}", { "content-type": "text/plain" });
    expect([type.status, type.body.code]).toEqual([415, "invalid_argument"]);
    expect((await post("/parley.v1.ChatService/GenerateStream", "{}")).status).toBe(415);
    const get = await fetch(`http://127.0.0.1:${listener.port}${generate}`);
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    const brotli = await post(generate, "{}", { "content-encoding": "br" });
    expect(brotli.body.message).toMatch(/content-encoding|compression/);
    const broken = await post(generate, "not gzip", { "content-encoding": "gzip" });
    expect(broken.body.message).toMatch(/not valid gzip$/);
    const bomb = await post(generate, gzipSync(Buffer.alloc(5_000_000, 0x20)), { "content-encoding": "gzip" });
    expect(bomb.body.details[0]?.debug.reason).toBe("ERROR_REASON_REQUEST_TOO_LARGE");
  });

  test("a deadline that is no time is refused", async () => {
    const answer = await post(generate, "{}", { "connect-timeout-ms": "soon" });
    expect(answer.body.details[0]?.debug).toMatchObject({
      reason: "ERROR_REASON_INVALID_REQUEST",
      field: "connect-timeout-ms",
    });
  });

  test("a promise that cannot be kept is refused, and the caller's own id comes back", async () => {
    const answer = await post(generate, "{}", { "idempotency-key": "one", "x-request-id": "mine" });
    expect(answer.body.code).toBe("unimplemented");
    expect(answer.body.details[0]?.debug).toMatchObject({ field: "idempotency-key" });
    expect(answer.headers.get("x-client-request-id")).toBe("mine");
    expect(answer.headers.get("x-request-id")).not.toBe("mine");
  });

  test("Connect GET works where the contract says that nothing changes", async () => {
    const message = encodeURIComponent('{"name":"fast"}');
    const answer = await fetch(
      `http://127.0.0.1:${listener.port}/parley.v1.ModelService/GetModel?connect=v1&encoding=json&message=${message}`,
      {
        headers: { authorization: `Bearer ${TEST_KEY}`, origin: "https://app.example" },
      },
    );
    expect(await answer.json()).toEqual({ model: { name: "fast" } });
    expect(answer.headers.get("access-control-expose-headers")).toContain("grpc-status-details-bin");
  });

  test.each([
    ["no message", Buffer.alloc(0), /its body is empty/],
    ["half a prefix", Buffer.from([0, 0, 0]), /ends within the prefix/],
    ["half a message", Buffer.from([0, 0, 0, 0, 9, 1]), /has 1 bytes, its prefix says 9/],
    ["two messages", Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), /goes on after its message/],
    ["reserved flags", Buffer.from([0x40, 0, 0, 0, 0]), /flags 64/],
  ])("gRPC with %s gets a typed INVALID_ARGUMENT", async (_name, body, message) => {
    const trailers = await grpc(listener.port, "/parley.v1.ChatService/Generate", body);
    expect(trailers["grpc-status"]).toBe("3");
    expect(decodeURIComponent(String(trailers["grpc-message"]))).toMatch(message);
    expect(trailers["grpc-status-details-bin"]).toBeDefined();
  });

  test("gRPC gets UNIMPLEMENTED, typed, for a method that is not there", async () => {
    const trailers = await grpc(listener.port, "/parley.v1.Nothing/Nothing", Buffer.alloc(5));
    expect(trailers["grpc-status"]).toBe("12");
    expect(trailers["grpc-status-details-bin"]).toBeDefined();
  });

  test("half a body, then silence, is answered typed and holds nothing", async () => {
    const raw = new RawClient(listener.port);
    raw.write(
      `POST ${generate} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TEST_KEY}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
    );
    expect(await raw.until("not complete after 150 ms")).toMatch(/^HTTP\/1\.1 400 /);
    expect(budget.usedBytes).toBe(0);
    raw.socket.destroy();
  });

  test("requests that do not fit the memory for them together are shed, typed, and the memory comes back", async () => {
    expect(budget.tryTake(199_000)).toBe(true);
    const shed = await post(
      generate,
      toJsonString(GenerateRequestSchema, create(GenerateRequestSchema, { request: ask("echo", "a".repeat(5000)) })),
    );
    budget.give(199_000);
    expect([shed.status, shed.body.code]).toEqual([429, "resource_exhausted"]);
    expect(shed.body.details[0]?.debug.reason).toBe("ERROR_REASON_GATEWAY_OVERLOADED");
    expect(shed.headers.get("retry-after")).toBe("1");
    await expect.poll(() => budget.usedBytes).toBe(0);
  });

  test("a caller who leaves mid-body on either version leaves nothing behind", async () => {
    const h1 = http.request({
      port: listener.port,
      path: generate,
      method: "POST",
      headers: { authorization: `Bearer ${TEST_KEY}`, "content-type": "application/json", "content-length": 5000 },
    });
    h1.on("error", () => undefined);
    h1.write("{");
    await expect.poll(() => budget.usedBytes).toBe(5000);
    h1.destroy();
    await expect.poll(() => budget.usedBytes).toBe(0);
    await expect.poll(() => listener.runningRequests).toBe(0);
  });
});

function grpc(port: number, path: string, body: Buffer): Promise<http2.IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on("error", reject);
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      authorization: `Bearer ${TEST_KEY}`,
    });
    stream.on("trailers", resolve);
    stream.on("response", (headers) => {
      if (headers["grpc-status"] !== undefined) resolve(headers);
    });
    stream.resume();
    stream.on("close", () => session.close());
    stream.end(body);
  });
}
