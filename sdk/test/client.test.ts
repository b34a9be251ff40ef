import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Code, ConnectError } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { createParley as createBrowserParley } from "../src/browser.ts";
import {
  ParleyRequestError,
  TruncatedStreamError,
  collect,
  createParley,
  gatewayErrorFrom,
  textOf,
  user,
  type NodeParleyOptions,
  type Parley,
  type StreamEvent,
} from "../src/index.ts";
import { answer, failed, interrupted, numbered, started, textBlock } from "./events.ts";
import { ScriptedGateway, statusOf } from "./scripted-gateway.ts";

const apiKey = "parley_test_key";
const request = { model: "story", messages: [user("Tell me")] };
const half = (): StreamEvent[] => numbered([started, ...textBlock(["Once"]).slice(0, 2)]);

let gateway: ScriptedGateway;
let hangUp: PromiseWithResolvers<void>;

beforeAll(async () => {
  gateway = await ScriptedGateway.start({
    story: () => answer(["Once", " upon", " a time"]),
    failing: () => [...half(), ...numbered([failed()], half().length + 1)],
    cut: half,
    refused: () => {
      throw statusOf(interrupted({ errorId: "err_7", safeToRetry: true }));
    },
    hangUp: async function* () {
      yield* half();
      await hangUp.promise;
      for (const socket of gateway.sockets) socket.destroy();
    },
  });
});

afterAll(() => gateway[Symbol.asyncDispose]());

interface Kind {
  readonly name: string;
  readonly client: (options?: Partial<NodeParleyOptions>) => Parley;
}

const kinds: Kind[] = [
  { name: "connect over HTTP/2", client: (more) => createParley({ baseUrl: gateway.url, apiKey, ...more }) },
  {
    name: "connect over HTTP/1.1",
    client: (more) => createParley({ baseUrl: gateway.url, apiKey, httpVersion: "1.1", ...more }),
  },
  { name: "gRPC", client: (more) => createParley({ baseUrl: gateway.url, apiKey, protocol: "grpc", ...more }) },
  {
    name: "gRPC-Web over HTTP/1.1",
    client: (more) => createParley({ baseUrl: gateway.url, apiKey, protocol: "grpc-web", httpVersion: "1.1", ...more }),
  },
  { name: "connect over fetch", client: (more) => createBrowserParley({ baseUrl: gateway.url, apiKey, ...more }) },
  {
    name: "gRPC-Web over fetch",
    client: (more) => createBrowserParley({ baseUrl: gateway.url, apiKey, protocol: "grpc-web", ...more }),
  },
];

async function errorOf(work: Promise<unknown>): Promise<ParleyRequestError> {
  const error: unknown = await work.then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  if (error instanceof ParleyRequestError) return error;
  throw new Error("no ParleyRequestError was thrown", { cause: error });
}

describe.each(kinds)("createParley: $name", ({ client }) => {
  test("generate gives a whole answer", async () => {
    const response = await client().chat.generate(request);
    expect(textOf(response)).toBe("Once upon a time");
    expect(gateway.lastCall.request.messages[0]?.parts[0]?.kind.value).toMatchObject({ text: "Tell me" });
  });

  test("stream gives every event, then its whole answer", async () => {
    const stream = client().chat.stream(request);
    const events: string[] = [];
    for await (const { event } of stream) events.push(event.case ?? "");
    expect(events).toEqual(answer(["Once", " upon", " a time"]).map(({ event }) => event.case));
    expect(textOf(stream.response!)).toBe("Once upon a time");
    expect(stream.requestId).toBe("req_1");
  });

  test("stream throws the failed event and its status once, and does not give the failed event", async () => {
    const stream = client().chat.stream({ ...request, model: "failing" });
    const events: string[] = [];
    const error = await errorOf(
      (async () => {
        for await (const { event } of stream) events.push(event.case ?? "");
      })(),
    );
    expect(events).toEqual(["started", "blockStarted", "blockDelta"]);
    expect(error).toMatchObject({ reason: "STREAM_INTERRUPTED", errorId: "err_1", safeToRetry: false });
    expect(error.delivered?.text).toBe("Once");
    expect(stream.response).toBeUndefined();
    expect(stream.delivered.text).toBe("Once");
  });

  test("a generated client's failed event and status carry the same error", async () => {
    const ids: (string | undefined)[] = [];
    try {
      const stream = client().clients.chat.generateStream({ request: { ...request, model: "failing" } });
      for await (const message of stream)
        if (message.event?.event.case === "failed") ids.push(gatewayErrorFrom(message)?.errorId);
    } catch (thrown) {
      ids.push(gatewayErrorFrom(thrown)?.errorId);
    }
    expect(ids).toEqual(["err_1", "err_1"]);
  });

  test("stream throws TruncatedStreamError when a gateway ends it without a terminal", async () => {
    const error = await errorOf(
      client()
        .chat.stream({ ...request, model: "cut" })
        .collect(),
    );
    expect(error).toBeInstanceOf(TruncatedStreamError);
    expect(error.delivered?.text).toBe("Once");
  });

  test("stream throws TruncatedStreamError when the connection is cut", async () => {
    hangUp = Promise.withResolvers();
    const stream = client().chat.stream({ ...request, model: "hangUp" });
    const reading = (async () => {
      for await (const { event } of stream) if (event.case === "blockDelta") hangUp.resolve();
    })();
    const error = await errorOf(reading);
    expect(error).toBeInstanceOf(TruncatedStreamError);
    expect(error.delivered?.text).toBe("Once");
    expect(error.cause).toBeInstanceOf(ConnectError);
  });

  test("a failure before the first event is the status's error, unary and streamed", async () => {
    const failing = { ...request, model: "refused" };
    const { chat } = client();
    for (const run of [() => chat.generate(failing), () => chat.stream(failing).collect()]) {
      expect(await errorOf(run())).toMatchObject({
        reason: "STREAM_INTERRUPTED",
        errorId: "err_7",
        retryDelayMs: 250,
        attempts: [{ provider: "sandbox", model: "story" }],
        safeToRetry: true,
      });
    }
  });

  test("a wrong key and an unknown model are typed errors", async () => {
    const wrongKey = await errorOf(client({ apiKey: "parley_wrong_key" }).chat.generate(request));
    expect(wrongKey).toMatchObject({ reason: "UNAUTHENTICATED", fault: "caller", retryable: false });
    const wrongModel = await errorOf(
      client()
        .chat.stream({ ...request, model: "nope" })
        .collect(),
    );
    expect(wrongModel).toMatchObject({ reason: "MODEL_NOT_FOUND", field: "model" });
  });

  test("models are listed over all pages, and found by name", async () => {
    const { models } = client();
    const names = (await models.list()).map(({ name }) => name);
    expect(names).toEqual(["failover-demo", "sandbox/page-1", "sandbox/page-2"]);
    expect((await models.list({ provider: "sandbox" }))[0]?.provider).toBe("sandbox");
    expect((await models.get("sandbox/story")).displayName).toBe("Story");
    expect(await errorOf(models.get("nope"))).toMatchObject({ reason: "MODEL_NOT_FOUND" });
  });

  test("collect reads a ChatStream and a generated client's stream alike", async () => {
    const parley = client();
    expect(textOf(await collect(parley.chat.stream(request)))).toBe("Once upon a time");
    expect(textOf(await collect(parley.clients.chat.generateStream({ request })))).toBe("Once upon a time");
  });

  test("nobody at the address is GATEWAY_UNREACHABLE", async () => {
    const nobody = await ScriptedGateway.start({});
    const baseUrl = nobody.url;
    await nobody[Symbol.asyncDispose]();
    const error = await errorOf(client({ baseUrl }).chat.generate(request));
    expect(error).toMatchObject({ reason: "GATEWAY_UNREACHABLE", retryable: true, safeToRetry: true });
  });
});

describe("createParley", () => {
  test("takes a transport of the caller's own and adds the key to it", async () => {
    const transport = createConnectTransport({ baseUrl: gateway.url, httpVersion: "1.1" });
    const parley = createParley({ baseUrl: gateway.url, apiKey, transport });
    expect(textOf(await parley.chat.generate(request))).toBe("Once upon a time");
  });

  test("sends through a given fetch in Node too", async () => {
    const urls: string[] = [];
    const counting: typeof fetch = (input, init) => {
      urls.push(input instanceof Request ? input.url : input.toString());
      return fetch(input, init);
    };
    await createParley({ baseUrl: gateway.url, apiKey, fetch: counting }).chat.generate(request);
    expect(urls).toEqual([`${gateway.url}/parley.v1.ChatService/Generate`]);
  });

  test("asks an apiKey function before each call, sync or async", async () => {
    const keys = [apiKey, "parley_expired_key"];
    const sync = createParley({ baseUrl: gateway.url, apiKey: () => keys.shift() ?? "" });
    expect(textOf(await sync.chat.generate(request))).toBe("Once upon a time");
    expect(await errorOf(sync.chat.generate(request))).toMatchObject({ reason: "UNAUTHENTICATED", errorId: "err_401" });
    expect(await errorOf(sync.chat.generate(request))).toMatchObject({ reason: "UNAUTHENTICATED", errorId: "" });
    const async = createParley({ baseUrl: gateway.url, apiKey: () => Promise.resolve(apiKey) });
    expect(textOf(await async.chat.stream(request).collect())).toBe("Once upon a time");
  });

  test("an apiKey function that fails is UNAUTHENTICATED, with its error as the cause", async () => {
    const fault = new Error("vault is down");
    const parley = createParley({ baseUrl: gateway.url, apiKey: () => Promise.reject(fault) });
    const error = await errorOf(parley.chat.generate(request));
    expect(error.reason).toBe("UNAUTHENTICATED");
    expect((error.cause as ConnectError).cause).toBe(fault);
    expect((error.cause as ConnectError).code).toBe(Code.Unauthenticated);
  });

  test("sends headers of the client and of the call, the call's first", async () => {
    const headers = { "x-team": "search", "x-stage": "dev" };
    const parley = createParley({ baseUrl: gateway.url, apiKey, headers });
    await parley.chat.generate(request, { headers: { "x-stage": "live" } });
    const { header } = gateway.lastCall;
    expect([header.get("x-team"), header.get("x-stage")]).toEqual(["search", "live"]);
    expect(header.get("authorization")).toBe(`Bearer ${apiKey}`);
  });

  test("sends binary messages unless told otherwise", async () => {
    await createParley({ baseUrl: gateway.url, apiKey }).chat.generate(request);
    expect(gateway.lastCall.header.get("content-type")).toBe("application/proto");
    await createBrowserParley({ baseUrl: gateway.url, apiKey }).chat.stream(request).collect();
    expect(gateway.lastCall.header.get("content-type")).toBe("application/connect+proto");
  });

  test("never shows the key: not in the client, a stream, an error or a wrong option", async () => {
    const secret = "parley_abc_very-secret-value";
    const parley = createParley({ baseUrl: gateway.url, apiKey: secret });
    const stream = parley.chat.stream(request);
    const error = await errorOf(stream.collect());
    const shown = [parley, stream, error, parley.clients.chat].map((value) =>
      inspect(value, { depth: Infinity, showHidden: true }),
    );
    shown.push(JSON.stringify(parley), JSON.stringify(error), String(error.stack));
    for (const broken of [`${secret}\n`, `${secret}é`, `two ${secret}`]) {
      try {
        createParley({ baseUrl: gateway.url, apiKey: broken });
      } catch (thrown) {
        shown.push(inspect(thrown));
      }
      shown.push(
        inspect(await errorOf(createParley({ baseUrl: gateway.url, apiKey: () => broken }).chat.generate(request))),
      );
    }
    expect(shown.length).toBe(13);
    for (const text of shown) expect(text).not.toContain("very-secret");
  });

  test.each([
    [{ baseUrl: "localhost:8080" }, "baseUrl is not an http(s) address"],
    [{ baseUrl: "ftp://x" }, "baseUrl is not an http(s) address"],
    [{ baseUrl: "http://user:pass@x" }, "baseUrl carries a user or password"],
    [{ baseUrl: "http://x?key=1" }, "baseUrl has a query"],
    [{ baseUrl: "http://x", apiKey: "" }, "apiKey is empty"],
    [{ baseUrl: "http://x", timeoutMs: 0 }, "timeoutMs is 0"],
    [{ baseUrl: "http://x", timeoutMs: 2 ** 31 }, "timeoutMs is 2147483648"],
    [{ baseUrl: "http://x", protocol: "soap" as never }, "protocol is soap"],
    [{ baseUrl: "http://x", protocol: "grpc" as const, httpVersion: "1.1" as const }, "grpc needs httpVersion 2"],
    [{ baseUrl: "http://x", protocol: "grpc" as const, fetch }, "grpc does not work over fetch"],
    [{ baseUrl: "http://x", httpVersion: "2" as const, fetch }, "httpVersion has no effect over fetch"],
  ])("refuses options %o", (options, message) => {
    expect(() => createParley(options)).toThrow(message);
  });
});
