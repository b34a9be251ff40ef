import * as http from "node:http";
import * as http2 from "node:http2";
import { describe, expect, test } from "vitest";
import { textPart } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { realRuntime } from "../../runtime/real.ts";
import { RawClient } from "../test-support.ts";
import { wholeEvents, answerWith, sseData } from "./answers.fixture.ts";
import { KEY, ScriptedGateway, lastRequest, serveSurface, CHAT, BODY, sayHi, held } from "./test-support.ts";

const runtime = realRuntime();

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
      caller: expect.objectContaining({ role: "chat" }),
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
