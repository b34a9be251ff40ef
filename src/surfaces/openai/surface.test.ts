import { create } from "@bufbuild/protobuf";
import * as http from "node:http";
import * as http2 from "node:http2";
import { describe, expect, test } from "vitest";
import {
  ExclusionSchema,
  FailedAttemptSchema,
  ModelKind,
  ModelSchema,
  keptAlive,
  textPart,
  type Model,
} from "../../contract/index.ts";
import { ParleyError, toGatewayError } from "../../errors/index.ts";
import type { EventSink } from "../../pipeline/call.ts";
import { realRuntime } from "../../runtime/real.ts";
import { InFlightBudget } from "../in-flight-budget.ts";
import { RawClient } from "../test-support.ts";
import { openAiSpec } from "./openai-spec.ts";
import {
  KEY,
  ORIGIN,
  ScriptedGateway,
  answerWith,
  breakWith,
  failWith,
  lastRequest,
  serveSurface,
  sseData,
  startedEvent,
  wholeEvents,
} from "./test-support.ts";

const runtime = realRuntime();
const CHAT = "/v1/chat/completions";
const BODY = { model: "house/qwen/qwen3", messages: [{ role: "user", content: "hi" }] };

type Json = Record<string, unknown>;

async function errorOf(
  response: Response,
): Promise<{ status: number; code: unknown; param: unknown; message: string; parley: Json }> {
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const body = (await response.json()) as { error: Json };
  expect(Object.keys(body)).toEqual(["error"]);
  const { code, param, message, parley } = body.error as {
    code: unknown;
    param: unknown;
    message: string;
    parley: Json;
  };
  expect(parley["request_id"]).toBe(response.headers.get("x-request-id"));
  return { status: response.status, code, param, message, parley };
}

function sayHi(): ScriptedGateway {
  return new ScriptedGateway((call, sink) => answerWith(call, sink, [textPart("hi")]));
}

/** A gateway whose answers wait for the test, and what the surface tells them. */
function held(): { gateway: ScriptedGateway; sink: Promise<EventSink>; aborted: Promise<unknown>; finish: () => void } {
  let onSink: (sink: EventSink) => void = () => undefined;
  let onAbort: (reason: unknown) => void = () => undefined;
  let finish: () => void = () => undefined;
  const sink = new Promise<EventSink>((resolve) => (onSink = resolve));
  const aborted = new Promise<unknown>((resolve) => (onAbort = resolve));
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const gateway = new ScriptedGateway(async (call, itsSink) => {
    call.signal.addEventListener("abort", () => onAbort(call.signal.reason));
    onSink(itsSink);
    await Promise.race([aborted, finished]);
    return { kind: "completed" };
  });
  return { gateway, sink, aborted, finish };
}

describe("POST /v1/chat/completions", () => {
  test("answers whole, with the gateway's headers", async () => {
    const gateway = sayHi();
    await using served = await serveSurface(runtime, gateway);
    const response = await served.send(CHAT, BODY, {
      headers: { "x-request-id": "mine", "x-stainless-timeout": "600" },
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      object: "chat.completion",
      choices: [{ message: { content: "hi" } }],
    });
    const expected = {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-request-id": "req_1",
      "x-client-request-id": "mine",
      "x-parley-provider": "house",
      "x-parley-model": "house/qwen/qwen3",
      "x-parley-region": "eu",
      "x-parley-attempts": "1",
      "x-parley-cost-usd": "0.00123",
      "x-parley-adaptations": "sampling.seed",
    };
    expect(Object.fromEntries(response.headers)).toMatchObject(expected);
    expect(gateway.calls[0]).toMatchObject({
      requestId: "req_1",
      credential: KEY,
      stream: false,
      surface: "openai",
      timeoutMs: 600_000,
    });
    expect(lastRequest(gateway).model).toBe("house/qwen/qwen3");
  });

  test("answers a stream as server-sent events, with headers from its start and a trailing [DONE]", async () => {
    await using served = await serveSurface(runtime, sayHi());
    const response = await served.send(CHAT, { ...BODY, stream: true }, { headers: { "x-stainless-timeout": "600" } });
    const text = await response.text();
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "x-request-id": "req_1",
      "x-parley-provider": "house",
      "x-parley-attempts": "2",
    });
    expect(response.headers.has("x-parley-cost-usd")).toBe(false);
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(sseData(text)).toHaveLength(4);
  });

  test("sends all events of one call in one write, and the headers with the first", async () => {
    const { gateway, sink, finish } = held();
    await using served = await serveSurface(runtime, gateway);
    const client = new RawClient(served.port);
    const body = JSON.stringify({ ...BODY, stream: true });
    client.write(
      `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
    const events = wholeEvents("req_1", [{ parts: [textPart("one"), textPart("two")] }]);
    const chunks: string[] = [];
    client.socket.on("data", (chunk) => chunks.push(chunk.toString("latin1")));
    expect(client.received).toBe("");
    (await sink).write(events);
    finish();
    await client.closed;
    const head = client.received.indexOf("\r\n\r\n");
    const frames = client.received
      .slice(head + 4)
      .split("\r\n")
      .filter((line) => /^[0-9a-f]+$/.test(line));
    expect(frames).toHaveLength(2); // one chunk of HTTP with everything, and the empty last one
    expect(sseData(client.received.slice(head + 4).replace(/^[0-9a-f]+\r\n/, ""))).toHaveLength(5);
  });

  test("tells the pipeline when the reader is slow, and when it reads again", async () => {
    const { gateway, sink: itsSink, finish } = held();
    await using served = await serveSurface(runtime, gateway);
    const client = http.request(`${served.url}${CHAT}`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    });
    client.end(JSON.stringify({ ...BODY, stream: true }));
    const received = new Promise<string>((resolve) =>
      client.once("response", (response: http.IncomingMessage) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.once("end", () => resolve(text));
      }),
    );
    const sink = await itsSink;
    const drained = new Promise<void>((resolve) => (sink.onDrain = resolve));
    const [started, opened, ...others] = wholeEvents("req_1", [{ parts: [textPart("x".repeat(4_000_000))] }]);
    expect(sink.write([started!, opened!])).toBe(false);
    await drained;
    sink.write(others);
    finish();
    expect((await received).length).toBeGreaterThan(4_000_000);
  });

  test("aborts at once when the caller leaves, whole or streamed, over HTTP/1.1 and HTTP/2", async () => {
    for (const stream of [false, true]) {
      const first = held();
      await using served = await serveSurface(runtime, first.gateway);
      const leaving = new AbortController();
      const gone = served
        .send(CHAT, { ...BODY, stream }, { signal: leaving.signal })
        .catch((error: Error) => error.name);
      await first.sink;
      leaving.abort();
      expect(await first.aborted).toMatchObject({ message: "The caller left before the answer was complete" });
      expect(await gone).toBe("AbortError");

      const second = held();
      await using served2 = await serveSurface(runtime, second.gateway);
      const session = http2.connect(served2.url);
      const request = session.request({
        ":method": "POST",
        ":path": CHAT,
        authorization: `Bearer ${KEY}`,
        "content-type": "application/json",
      });
      request.on("error", () => undefined);
      request.end(JSON.stringify({ ...BODY, stream }));
      await second.sink;
      request.close(http2.constants.NGHTTP2_CANCEL);
      expect(await second.aborted).toBeInstanceOf(ParleyError);
      session.close();
    }
  });

  test("does not abort a call whose answer was taken", async () => {
    const signals: AbortSignal[] = [];
    const gateway = new ScriptedGateway((call, sink) => {
      signals.push(call.signal);
      return answerWith(call, sink, [textPart("hi")]);
    });
    await using served = await serveSurface(runtime, gateway);
    for (const stream of [false, true]) {
      const response = await served.send(CHAT, { ...BODY, stream }, { headers: { connection: "close" } });
      await response.text();
    }
    await served.listener.close();
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false]);
  });

  test("works over HTTP/2", async () => {
    await using served = await serveSurface(runtime, sayHi());
    const session = http2.connect(served.url);
    const ask = (body: object): Promise<[http2.IncomingHttpHeaders, string]> =>
      new Promise((resolve, reject) => {
        const request = session.request({
          ":method": "POST",
          ":path": CHAT,
          authorization: `Bearer ${KEY}`,
          "content-type": "application/json",
        });
        let headers: http2.IncomingHttpHeaders = {};
        let text = "";
        request
          .on("response", (got) => (headers = got))
          .on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
        request.on("end", () => resolve([headers, text])).on("error", reject);
        request.end(JSON.stringify(body));
      });
    const [headers, text] = await ask(BODY);
    expect(headers).toMatchObject({ ":status": 200, "x-parley-provider": "house" });
    expect(JSON.parse(text)).toMatchObject({ choices: [{ message: { content: "hi" } }] });
    const [streamHeaders, stream] = await ask({ ...BODY, stream: true });
    expect(streamHeaders).toMatchObject({ ":status": 200, "content-type": "text/event-stream; charset=utf-8" });
    expect(stream.endsWith("data: [DONE]\n\n")).toBe(true);
    const [errorHeaders] = await ask({ ...BODY, messages: 5 });
    expect(errorHeaders).toMatchObject({ ":status": 400, "x-should-retry": "false" });
    session.close();
  });
});

describe("failures", () => {
  test("before the stream begins are a status and JSON, also for a stream", async () => {
    const gateway = new ScriptedGateway((call) => {
      const error = new ParleyError("PROVIDER_RATE_LIMITED", "Cannot answer now", {
        retryDelayMs: 1500,
        field: "sampling.candidates",
        exclusions: [create(ExclusionSchema, { constraint: "tools", count: 2, example: "a/b" })],
        upstream: { httpStatus: 429, code: "slow_down", message: "too fast" },
      });
      const attempt = create(FailedAttemptSchema, {
        target: ORIGIN,
        reason: error.reason,
        httpStatus: 429,
        durationMs: 3,
      });
      const gatewayError = toGatewayError(error, {
        requestId: call.requestId,
        errorId: "err_p",
        contentDelivered: false,
        attempts: [attempt, attempt],
      });
      return { kind: "failed", error, gatewayError, delivered: false };
    });
    await using served = await serveSurface(runtime, gateway);
    for (const stream of [false, true]) {
      const response = await served.send(CHAT, { ...BODY, stream });
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "x-should-retry": "true",
        "retry-after": "2",
        "retry-after-ms": "1500",
        "x-parley-attempts": "2",
      });
      expect(openAiSpec?.check("ErrorResponse", await response.clone().json()) ?? []).toEqual([]);
      const { parley, ...error } = await errorOf(response);
      expect(error).toEqual({ status: 429, code: "rate_limit_exceeded", param: "n", message: "Cannot answer now" });
      expect(parley).toMatchObject({
        reason: "provider_rate_limited",
        fault: "provider",
        field: "sampling.candidates",
        retryable: true,
        retry_delay_ms: 1500,
        safe_to_retry: true,
        error_id: "err_p",
        attempts: Array(2).fill({
          provider: "house",
          model: "qwen/qwen3",
          region: "eu",
          reason: "provider_rate_limited",
          http_status: 429,
          duration_ms: 3,
        }),
        exclusions: [{ constraint: "tools", count: 2, example: "a/b" }],
        upstream: { http_status: 429, code: "slow_down", message: "too fast" },
      });
    }
  });

  test("tell clients not to multiply what the gateway has tried several times", async () => {
    const gateway = new ScriptedGateway((call) => {
      const error = new ParleyError("PROVIDER_ERROR", "Cannot answer");
      const attempt = create(FailedAttemptSchema, { reason: error.reason, durationMs: 3 });
      const attempts = Array(gateway.calls.length).fill(attempt) as (typeof attempt)[];
      const gatewayError = toGatewayError(error, {
        requestId: call.requestId,
        errorId: "e",
        contentDelivered: false,
        attempts,
      });
      return { kind: "failed", error, gatewayError, delivered: false };
    });
    await using served = await serveSurface(runtime, gateway);
    const once = await served.send(CHAT, BODY);
    const twice = await served.send(CHAT, BODY);
    expect([once.headers.get("x-should-retry"), twice.headers.get("x-should-retry")]).toEqual(["true", "false"]);
  });

  test("within a stream are its last event, without [DONE]", async () => {
    const gateway = new ScriptedGateway((call, sink) => {
      sink.write([keptAlive()]);
      sink.write(wholeEvents(call.requestId, [{ parts: [textPart("fragment")] }]).slice(0, 3));
      return breakWith(call, sink, new ParleyError("STREAM_INTERRUPTED", "Cannot complete the answer"));
    });
    await using served = await serveSurface(runtime, gateway);
    const response = await served.send(CHAT, { ...BODY, stream: true });
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text.startsWith(": keep-alive\n\n")).toBe(true);
    expect(text).not.toContain("[DONE]");
    const last = JSON.parse(sseData(text).at(-1) ?? "") as Json;
    expect(last).toMatchObject({
      error: { type: "server_error", parley: { reason: "stream_interrupted", safe_to_retry: false } },
    });
  });

  test("of the gateway itself are typed and tell nothing of their cause", async () => {
    const scripts = [
      () => Promise.reject(new Error("secret cause")),
      (_call: unknown, sink: EventSink) => {
        sink.write([startedEvent("req_1")]);
        return Promise.reject(new Error("secret cause"));
      },
      () => ({ kind: "completed" }) as const, // without any event
    ];
    for (const script of scripts) {
      await using served = await serveSurface(runtime, new ScriptedGateway(script));
      const whole = await served.send(CHAT, BODY);
      expect(await errorOf(whole)).toMatchObject({ status: 500, parley: { reason: "gateway_internal" } });
      const text = await served.send(CHAT, { ...BODY, stream: true }).then(
        (response) => response.text(),
        () => "cut",
      );
      expect(text).not.toContain("secret");
      expect(text).not.toContain("[DONE]");
    }
  });

  test("of an answer that OpenAI's format would show as complete", async () => {
    await using served = await serveSurface(
      runtime,
      new ScriptedGateway((call, sink) => answerWith(call, sink, [textPart("x")], 10)),
    );
    expect(await errorOf(await served.send(CHAT, BODY))).toMatchObject({
      status: 502,
      parley: { reason: "provider_bad_output" },
    });
  });

  test("of the pipeline keep their status", async () => {
    const error = new ParleyError("CONTEXT_TOO_LONG", "Cannot fit");
    await using served = await serveSurface(runtime, new ScriptedGateway((call) => failWith(call, error)));
    expect(await errorOf(await served.send(CHAT, BODY))).toMatchObject({
      status: 400,
      code: "context_length_exceeded",
    });
  });
});

describe("bad requests", () => {
  const text = JSON.stringify(BODY);
  const large = JSON.stringify({ ...BODY, messages: [{ role: "user", content: "x".repeat(70_000) }] });
  const media = (bytes: number): string =>
    JSON.stringify({
      ...BODY,
      messages: [
        {
          role: "user",
          content: [{ type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(bytes)}` } }],
        },
      ],
    });

  test.each<[string, string | Uint8Array, Record<string, string>, object]>([
    ["no key", text, { authorization: "" }, { status: 401, code: "invalid_api_key" }],
    ["another scheme", text, { authorization: `Basic ${KEY}` }, { status: 401 }],
    ["a wrong key", text, { authorization: "Bearer nope" }, { status: 401, parley: { reason: "unauthenticated" } }],
    ["no body", "", {}, { status: 400, message: "Cannot read the request body: it is empty; send a JSON object" }],
    ["malformed JSON", "{", {}, { status: 400, parley: { reason: "invalid_request" } }],
    ["bytes that are no UTF-8", new Uint8Array([0xff]), {}, { status: 400 }],
    ["a form", text, { "content-type": "application/x-www-form-urlencoded" }, { status: 400, param: "content-type" }],
    ["plain text", text, { "content-type": "text/plain;charset=UTF-8" }, { status: 400, param: "content-type" }],
    [
      "another charset",
      text,
      { "content-type": "application/json; charset=latin1" },
      { status: 400, param: "content-type" },
    ],
    ["a compressed body", text, { "content-encoding": "gzip" }, { status: 400, param: "content-encoding" }],
    [
      "an idempotency key",
      text,
      { "idempotency-key": "k" },
      { status: 501, param: "idempotency-key", parley: { reason: "not_implemented" } },
    ],
    ["a bad timeout", text, { "x-parley-timeout-ms": "soon" }, { status: 400, param: "x-parley-timeout-ms" }],
    ["a wrong type", JSON.stringify({ ...BODY, n: "two" }), {}, { status: 400, param: "n" }],
    ["deep nesting", `{"a":${"[".repeat(40)}${"]".repeat(40)}}`, {}, { status: 400 }],
    ["a large request without media", large, {}, { status: 413, parley: { reason: "request_too_large" } }],
    ["a request larger than any may be", media(300_000), {}, { status: 413, parley: { reason: "request_too_large" } }],
  ])("%s gets a typed error", async (_name, body, headers, expected) => {
    const gateway = sayHi();
    await using served = await serveSurface(runtime, gateway);
    const sent = Object.fromEntries(
      Object.entries({ "content-type": "application/json", authorization: `Bearer ${KEY}`, ...headers }).filter(
        ([, value]) => value !== "",
      ),
    );
    const response = await fetch(served.url + CHAT, { method: "POST", body: body as string, headers: sent });
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(await errorOf(response)).toMatchObject(expected);
    expect(gateway.calls).toHaveLength(0);
    const next = await served.send(CHAT, BODY);
    expect(next.status).toBe(200);
  });

  test("of the larger kind are taken where they hold media", async () => {
    await using served = await serveSurface(runtime, sayHi());
    expect((await served.send(CHAT, media(100_000))).status).toBe(200);
  });

  test("give back what they took from the budget of bytes in flight, like good ones", async () => {
    const budget = new InFlightBudget(10_000);
    await using served = await serveSurface(runtime, sayHi(), { budget });
    for (const body of [BODY, { ...BODY, n: "two" }, { ...BODY, stream: true }])
      await (await served.send(CHAT, body)).text();
    expect(budget.usedBytes).toBe(0);
    expect(await errorOf(await served.send(CHAT, "x".repeat(20_000)))).toMatchObject({
      status: 503,
      parley: { reason: "gateway_overloaded", retryable: true },
    });
    expect(budget.usedBytes).toBe(0);
  });

  test("with odd request ids get them back harmless", async () => {
    await using served = await serveSurface(runtime, sayHi());
    const response = await served.send(CHAT, BODY, { headers: { "x-request-id": `\u00e9 ${"y".repeat(3000)}` } });
    const echoed = response.headers.get("x-client-request-id") ?? "";
    expect(echoed).toHaveLength(1024);
    expect(echoed.startsWith("? y")).toBe(true);
  });
});

describe("paths and methods", () => {
  test("an unknown path gets a typed 404 that names the known ones", async () => {
    await using served = await serveSurface(runtime, sayHi());
    for (const path of ["/v1/", "/v1/responses", "/v1/chat/completions/x", "/v1/chat"]) {
      const error = await errorOf(await served.send(path, BODY));
      expect(error).toMatchObject({ status: 404, parley: { reason: "not_found" } });
      expect(error.message).toContain("/v1/chat/completions");
    }
  });

  test.each([
    ["GET", CHAT, "POST, OPTIONS"],
    ["PUT", CHAT, "POST, OPTIONS"],
    ["DELETE", "/v1/models/a/b", "GET, HEAD, OPTIONS"],
    ["POST", "/v1/models", "GET, HEAD, OPTIONS"],
  ])("%s %s gets a typed 405 with the methods there are", async (method, path, allow) => {
    await using served = await serveSurface(runtime, sayHi());
    const response = await served.send(path, undefined, { method });
    expect(response.headers.get("allow")).toBe(allow);
    expect(await errorOf(response)).toMatchObject({ status: 405, parley: { reason: "not_found" } });
  });

  test("OPTIONS says what there is, and HEAD sends headers only", async () => {
    const gateway = sayHi();
    gateway.catalogue = [create(ModelSchema, { name: "fast", kind: ModelKind.ROUTE })];
    await using served = await serveSurface(runtime, gateway);
    const options = await served.send(CHAT, undefined, { method: "OPTIONS" });
    expect([options.status, options.headers.get("allow")]).toEqual([204, "POST, OPTIONS"]);
    const head = await served.send("/v1/models", undefined, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect(Number(head.headers.get("content-length"))).toBeGreaterThan(20);
    const wrong = await served.send(CHAT, undefined, { method: "HEAD" });
    expect([wrong.status, await wrong.text()]).toEqual([405, ""]);
  });
});

describe("GET /v1/models", () => {
  const catalogue: Model[] = [
    create(ModelSchema, { name: "fast", kind: ModelKind.ROUTE, targets: ["house/qwen/qwen3"] }),
    create(ModelSchema, {
      name: "house/qwen/qwen3",
      kind: ModelKind.MODEL,
      provider: "house",
      providerModel: "qwen3",
      contextTokens: 1000,
      capabilities: { tools: 1 },
      inputModalities: [1, 2],
      retiresAt: { seconds: 1_800_000_000n, nanos: 0 },
      prices: [{ unit: "input", nanoUsd: 100n }],
    }),
    create(ModelSchema, { name: "sandbox/echo", kind: ModelKind.MODEL, provider: "sandbox" }),
  ];

  test("lists every page in OpenAI's shape", async () => {
    const gateway = sayHi();
    gateway.catalogue = catalogue;
    await using served = await serveSurface(runtime, gateway);
    const list = (await (await served.send("/v1/models")).json()) as { data: Json[] };
    expect(openAiSpec?.check("ListModelsResponse", list) ?? []).toEqual([]);
    expect(list.data.map(({ id, owned_by }) => [id, owned_by])).toEqual([
      ["fast", "parley"],
      ["house/qwen/qwen3", "house"],
      ["sandbox/echo", "sandbox"],
    ]);
  });

  test("finds one by its id, with slashes encoded or plain", async () => {
    const gateway = sayHi();
    gateway.catalogue = catalogue;
    await using served = await serveSurface(runtime, gateway);
    for (const path of [
      "/v1/models/house/qwen/qwen3",
      "/v1/models/house%2Fqwen%2Fqwen3",
      "/v1/models/house/qwen/qwen3/?x=1",
    ]) {
      const model = await (await served.send(path)).json();
      expect(openAiSpec?.check("Model", model) ?? []).toEqual([]);
      expect(model).toMatchObject({
        id: "house/qwen/qwen3",
        object: "model",
        owned_by: "house",
        shutdown_date: "2027-01-15",
        parley: {
          kind: "model",
          context_tokens: 1000,
          capabilities: { tools: "native" },
          prices: [{ unit: "input", nano_usd: "100" }],
        },
      });
    }
  });

  test("refuses unknown models, broken ids and strangers, typed", async () => {
    await using served = await serveSurface(runtime, sayHi());
    expect(await errorOf(await served.send("/v1/models/none"))).toMatchObject({
      status: 404,
      code: "model_not_found",
      param: "model",
    });
    expect(await errorOf(await served.send("/v1/models/%E0%A4%A"))).toMatchObject({ status: 400, param: "model" });
    expect(
      await errorOf(await served.send("/v1/models", undefined, { headers: { authorization: "Bearer x" } })),
    ).toMatchObject({ status: 401 });
  });
});
