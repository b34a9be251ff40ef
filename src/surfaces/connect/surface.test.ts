import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Client, type Interceptor, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ChatRequestSchema,
  ChatService,
  ErrorReason,
  GatewayErrorSchema,
  ModelService,
  type GatewayError,
  type StreamEvent,
} from "../../contract/index.ts";
import { realRuntime } from "../../runtime/real.ts";
import { InFlightBudget } from "../in-flight-budget.ts";
import type { Listener } from "../listener.ts";
import { Readiness } from "../readiness.ts";
import { TEST_KEY, TestGateway } from "../test-gateway.ts";
import { listenForTest, silentLog } from "../test-support.ts";
import { createConnectSurface } from "./surface.ts";

const runtime = realRuntime();
const gateway = new TestGateway();
const budget = new InFlightBudget(200_000);
const limits = { requestBytes: 20_000, requestWithMediaBytes: 100_000, jsonDepth: 16, streamBufferBytes: 64 * 1024 };
let listener: Listener;

beforeAll(async () => {
  const connect = createConnectSurface({
    gateway,
    runtime,
    log: silentLog,
    limits,
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

const authorised: Interceptor = (next) => (request) => {
  if (!request.header.has("authorization")) request.header.set("authorization", `Bearer ${TEST_KEY}`);
  return next(request);
};

type Dial = (more?: { interceptors?: Interceptor[]; gzip?: boolean }) => Transport;
const managers: Http2SessionManager[] = [];

function dial(
  make: (common: { baseUrl: string; interceptors: Interceptor[]; useBinaryFormat: boolean } & object) => Transport,
  useBinaryFormat: boolean,
): Dial {
  return (more = {}) =>
    make({
      baseUrl: `http://127.0.0.1:${listener.port}`,
      interceptors: more.interceptors ?? [authorised],
      useBinaryFormat,
      ...(more.gzip === true ? { sendCompression: compressionGzip, compressMinBytes: 1 } : {}),
    });
}

function sessions(): Http2SessionManager {
  const manager = new Http2SessionManager(`http://127.0.0.1:${listener.port}`);
  managers.push(manager);
  return manager;
}

afterAll(() => managers.forEach((manager) => manager.abort()));

const doors: readonly (readonly [string, Dial])[] = [false, true].flatMap((binary) => {
  const codec = binary ? "binary" : "JSON";
  return [
    [
      `Connect over HTTP/1.1, ${codec}`,
      dial((common) => createConnectTransport({ ...common, httpVersion: "1.1" }), binary),
    ],
    [
      `Connect over HTTP/2, ${codec}`,
      dial((common) => createConnectTransport({ ...common, httpVersion: "2", sessionManager: sessions() }), binary),
    ],
    [`gRPC, ${codec}`, dial((common) => createGrpcTransport({ ...common, sessionManager: sessions() }), binary)],
    [
      `gRPC-Web over HTTP/1.1, ${codec}`,
      dial((common) => createGrpcWebTransport({ ...common, httpVersion: "1.1" }), binary),
    ],
  ] as const;
});

function ask(model: string, text = "hi"): MessageInitShape<typeof ChatRequestSchema> {
  return { model, messages: [{ role: 1, parts: [{ kind: { case: "text", value: { text } } }] }] };
}

async function failureOf(promise: Promise<unknown>): Promise<{ error: ConnectError; detail: GatewayError }> {
  const error = await promise.then(
    () => expect.unreachable("it did not fail"),
    (thrown: unknown) => ConnectError.from(thrown),
  );
  const [detail] = error.findDetails(GatewayErrorSchema);
  expect(detail, `${error.message} carries no GatewayError`).toBeDefined();
  return { error, detail: detail! };
}

async function collect(
  client: Client<typeof ChatService>,
  model: string,
): Promise<{ events: StreamEvent[]; thrown: unknown; header: Headers }> {
  const events: StreamEvent[] = [];
  let header = new Headers();
  try {
    for await (const { event } of client.generateStream(
      { request: ask(model) },
      { onHeader: (received) => (header = received) },
    ))
      events.push(event!);
  } catch (thrown) {
    return { events, thrown, header };
  }
  return { events, thrown: undefined, header };
}

describe.each(doors)("%s", (_name, transport) => {
  test("Generate answers the fold, with the headers that tell about it", async () => {
    let header = new Headers();
    const client = createClient(ChatService, transport());
    const { response } = await client.generate(
      { request: ask("echo") },
      { onHeader: (received) => (header = received) },
    );
    expect(response?.candidates[0]?.message?.parts[0]?.kind).toMatchObject({
      case: "text",
      value: { text: "Hello, wörld" },
    });
    expect(Object.fromEntries(header)).toMatchObject({
      "x-request-id": response?.id,
      "x-parley-provider": "sandbox",
      "x-parley-model": "sandbox/echo",
      "x-parley-region": "eu",
      "x-parley-attempts": "2",
      "x-parley-cost-usd": "0.00042",
      "x-parley-adaptations": "sampling.seed",
    });
  });

  test("GenerateStream delivers the events and ends with completed", async () => {
    const { events, thrown, header } = await collect(createClient(ChatService, transport()), "echo");
    expect(thrown).toBeUndefined();
    expect(events.map((event) => event.event.case)).toEqual([
      "started",
      "blockStarted",
      "blockDelta",
      "blockDelta",
      "blockFinished",
      "candidateFinished",
      "completed",
    ]);
    expect(header.get("x-parley-model")).toBe("sandbox/echo");
    expect(header.get("x-request-id")).toMatch(/^req_/);
  });

  test("a failure before the first event is the status alone, with the contract's error as its detail", async () => {
    const client = createClient(ChatService, transport());
    const unary = await failureOf(client.generate({ request: ask("fail:PROVIDER_RATE_LIMITED") }));
    expect(unary.error.code).toBe(Code.ResourceExhausted);
    expect(unary.detail).toMatchObject({
      reason: ErrorReason.PROVIDER_RATE_LIMITED,
      retryDelayMs: 1500,
      safeToRetry: true,
    });
    expect(unary.error.metadata.get("retry-after")).toBe("2");
    expect(unary.error.metadata.get("x-request-id")).toBe(unary.detail.requestId);
    const { events, thrown } = await collect(client, "fail:MODEL_NOT_FOUND");
    expect(events).toEqual([]);
    const streamed = await failureOf(Promise.reject(thrown));
    expect(streamed.error.code).toBe(Code.NotFound);
    expect(streamed.detail.reason).toBe(ErrorReason.MODEL_NOT_FOUND);
  });

  test("a failure after content is failed, then a status with the same error id", async () => {
    const { events, thrown } = await collect(createClient(ChatService, transport()), "fail-after:STREAM_INTERRUPTED");
    const last = events.at(-1)?.event;
    expect(last?.case).toBe("failed");
    const { error, detail } = await failureOf(Promise.reject(thrown));
    expect(error.code).toBe(Code.Unavailable);
    expect(last?.case === "failed" && last.value.error?.errorId).toBe(detail.errorId);
    expect(detail.safeToRetry).toBe(false);
  });

  test("no key, a wrong key and an unset request get typed errors, unary and streamed", async () => {
    const withKey =
      (key: string): Interceptor =>
      (next) =>
      (request) => {
        request.header.set("authorization", key);
        return next(request);
      };
    for (const interceptor of [withKey("Basic abc"), withKey("Bearer wrong")]) {
      const client = createClient(ChatService, transport({ interceptors: [interceptor] }));
      const { error, detail } = await failureOf(client.generate({ request: ask("echo") }));
      expect(error.code).toBe(Code.Unauthenticated);
      expect(detail.reason).toBe(ErrorReason.UNAUTHENTICATED);
    }
    const client = createClient(ChatService, transport());
    const { error, detail } = await failureOf(client.generate({}));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(detail.field).toBe("request");
    await expect(client.generateStream({})[Symbol.asyncIterator]().next()).rejects.toThrow(/request is not set/);
  });

  test("the deadline, the key and the caller's leaving reach the pipeline", async () => {
    const client = createClient(ChatService, transport());
    const leave = new AbortController();
    const stream = client.generateStream({ request: ask("wait") }, { signal: leave.signal, timeoutMs: 60_000 });
    const reading = (async () => {
      for await (const { event } of stream) if (event?.event.case === "blockDelta") leave.abort();
    })();
    await expect(reading).rejects.toThrow(/aborted|canceled/i);
    const call = gateway.calls.at(-1)!;
    expect(call.caller.keyId).not.toBe("");
    expect(call.surface).toBe("connect");
    expect(call.timeoutMs).toBeGreaterThan(55_000);
    expect(call.timeoutMs).toBeLessThanOrEqual(60_000);
    await expect.poll(() => call.signal.aborted).toBe(true);
  });

  test("a gzipped request is read; one too large is refused typed, declared, streamed or inflated", async () => {
    const gzip = createClient(ChatService, transport({ gzip: true }));
    expect((await gzip.generate({ request: ask("echo", "a".repeat(15_000)) })).response?.id).toBeDefined();
    for (const client of [gzip, createClient(ChatService, transport())]) {
      for (const chars of [30_000, 150_000]) {
        const { error, detail } = await failureOf(client.generate({ request: ask("echo", "a".repeat(chars)) }));
        expect(error.code).toBe(Code.ResourceExhausted);
        expect(detail.reason).toBe(ErrorReason.REQUEST_TOO_LARGE);
        expect(detail.message).toContain(String(chars > 100_000 ? limits.requestWithMediaBytes : limits.requestBytes));
      }
    }
    const media = { mediaType: "image/png", source: { case: "inline" as const, value: new Uint8Array(40_000) } };
    const request = {
      model: "echo",
      messages: [{ role: 1 as const, parts: [{ kind: { case: "media" as const, value: media } }] }],
    };
    expect((await createClient(ChatService, transport()).generate({ request })).response?.id).toBeDefined();
    await expect.poll(() => budget.usedBytes).toBe(0);
  });

  test("a defect is an internal error that tells nothing of its inside, unary and streamed", async () => {
    const client = createClient(ChatService, transport());
    const { thrown } = await collect(client, "defect");
    for (const failing of [() => client.generate({ request: ask("defect") }), () => Promise.reject(thrown as Error)]) {
      const { error, detail } = await failureOf(failing());
      expect(detail.reason).toBe(ErrorReason.GATEWAY_INTERNAL);
      expect(error.message).not.toContain("secret");
    }
  });

  test("a reader slower than the pipeline pauses it and loses nothing", async () => {
    const before = gateway.pauses;
    let chars = 0;
    const client = createClient(ChatService, transport());
    for await (const { event } of client.generateStream({ request: ask("flood:300") })) {
      if (event?.event.case !== "blockDelta" || event.event.value.delta.case !== "text") continue;
      chars += event.event.value.delta.value.length;
    }
    expect(chars).toBe(300 * 4096);
    expect(gateway.pauses).toBeGreaterThan(before);
    expect(gateway.drains).toBe(gateway.pauses);
  });

  test("ModelService lists and gets", async () => {
    const client = createClient(ModelService, transport());
    expect((await client.listModels({ pageSize: 1 })).models.map((model) => model.name)).toEqual(["fast"]);
    expect((await client.getModel({ name: "fast" })).model?.name).toBe("fast");
    expect((await failureOf(client.getModel({ name: "nothing" }))).detail.reason).toBe(ErrorReason.MODEL_NOT_FOUND);
    expect((await failureOf(client.listModels({ pageSize: 5000 }))).detail).toMatchObject({
      reason: ErrorReason.INVALID_REQUEST,
      field: "page_size",
    });
  });
});
