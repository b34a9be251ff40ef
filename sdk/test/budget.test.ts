import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createParley as createBrowserParley } from "../src/browser.ts";
import { ParleyRequestError, createParley, user, type Parley, type StreamEvent } from "../src/index.ts";
import { answer, numbered, started, textBlock } from "./events.ts";
import { ScriptedGateway, aborted } from "./scripted-gateway.ts";

const apiKey = "parley_test_key";
const request = { model: "endless", messages: [user("Go on")] };

let gateway: ScriptedGateway;

beforeAll(async () => {
  gateway = await ScriptedGateway.start({
    story: () => answer(["Hi"]),
    // some text, then silence until the caller leaves
    endless: async function* (_, { signal }): AsyncGenerator<StreamEvent> {
      yield* numbered([started, ...textBlock(["Once"]).slice(0, 2)]);
      await aborted(signal);
    },
  });
});

afterAll(() => gateway[Symbol.asyncDispose]());

interface Kind {
  readonly name: string;
  readonly client: (timeoutMs?: number) => Parley;
}

const kinds: Kind[] = [
  { name: "HTTP/2", client: (timeoutMs) => createParley({ baseUrl: gateway.url, apiKey, timeoutMs }) },
  {
    name: "HTTP/1.1",
    client: (timeoutMs) => createParley({ baseUrl: gateway.url, apiKey, httpVersion: "1.1", timeoutMs }),
  },
  {
    name: "gRPC",
    client: (timeoutMs) => createParley({ baseUrl: gateway.url, apiKey, protocol: "grpc", timeoutMs }),
  },
  { name: "fetch", client: (timeoutMs) => createBrowserParley({ baseUrl: gateway.url, apiKey, timeoutMs }) },
];

async function errorOf(work: Promise<unknown>): Promise<ParleyRequestError> {
  const error: unknown = await work.then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  if (error instanceof ParleyRequestError) return error;
  throw new Error("no ParleyRequestError was thrown", { cause: error });
}

describe.each(kinds)("budget over $name", ({ client }) => {
  test("leaving the loop cancels the request at the gateway", async () => {
    for await (const { event } of client().chat.stream(request)) if (event.case === "blockDelta") break;
    await aborted(gateway.lastCall.signal);
    expect(gateway.lastCall.signal.aborted).toBe(true);
  });

  test("leaving the loop over text cancels the request at the gateway", async () => {
    for await (const text of client().chat.stream(request).text()) if (text === "Once") break;
    await aborted(gateway.lastCall.signal);
    expect(gateway.lastCall.signal.aborted).toBe(true);
  });

  test("cancel ends a read that waits, with CANCELLED and what was delivered", async () => {
    const stream = client().chat.stream(request);
    const reading = (async () => {
      for await (const { event } of stream) if (event.case === "blockDelta") queueMicrotask(() => stream.cancel());
    })();
    const error = await errorOf(reading);
    expect(error).toMatchObject({ reason: "CANCELLED", fault: "caller", retryable: false });
    expect(error.delivered?.text).toBe("Once");
    await aborted(gateway.lastCall.signal);
  });

  test("a signal cancels a stream and a whole answer, with its reason as the cause", async () => {
    const why = new Error("the user closed the page");
    for (const run of ["stream", "generate"] as const) {
      const calls = gateway.calls.length;
      const controller = new AbortController();
      const options = { signal: controller.signal };
      const parley = client();
      const work =
        run === "stream" ? parley.chat.stream(request, options).collect() : parley.chat.generate(request, options);
      const error = errorOf(work);
      await expect.poll(() => gateway.calls.length).toBeGreaterThan(calls);
      controller.abort(why);
      expect(await error).toMatchObject({ reason: "CANCELLED", cause: why });
      await aborted(gateway.lastCall.signal);
    }
  });

  test("a signal that has aborted already sends nothing", async () => {
    const calls = gateway.calls.length;
    const options = { signal: AbortSignal.abort() };
    expect(await errorOf(client().chat.generate(request, options))).toMatchObject({ reason: "CANCELLED" });
    expect(await errorOf(client().chat.stream(request, options).collect())).toMatchObject({ reason: "CANCELLED" });
    expect(gateway.calls.length).toBe(calls);
  });

  test("the client's budget, and the call's before it, reach the gateway as its deadline", async () => {
    const parley = client(20_000);
    await parley.chat.generate({ ...request, model: "story" });
    expect(gateway.lastCall.timeoutMs).toBeGreaterThan(15_000);
    expect(gateway.lastCall.timeoutMs).toBeLessThanOrEqual(20_000);
    await parley.chat.stream({ ...request, model: "story" }, { timeoutMs: 7_000 }).collect();
    expect(gateway.lastCall.timeoutMs).toBeGreaterThan(2_000);
    expect(gateway.lastCall.timeoutMs).toBeLessThanOrEqual(7_000);
    await client().chat.generate({ ...request, model: "story" });
    expect(gateway.lastCall.timeoutMs).toBeGreaterThan(890_000);
  });

  test("a deadline that passes is DEADLINE_EXCEEDED, with what was delivered, and ends the call at the gateway", async () => {
    const error = await errorOf(client().chat.stream(request, { timeoutMs: 150 }).collect());
    expect(error).toMatchObject({ reason: "DEADLINE_EXCEEDED", fault: "caller", retryable: false });
    expect(error.message).toContain("150 ms");
    expect(error.delivered?.text).toBe("Once");
    await aborted(gateway.lastCall.signal);
    expect(await errorOf(client(150).chat.generate(request))).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
  });

  test("AbortSignal.timeout is a deadline as well", async () => {
    const error = await errorOf(
      client()
        .chat.stream(request, { signal: AbortSignal.timeout(150) })
        .collect(),
    );
    expect(error.reason).toBe("DEADLINE_EXCEEDED");
  });
});

describe("budget", () => {
  test("a key that never comes does not outlive the call", async () => {
    const calls = gateway.calls.length;
    const parley = createParley({ baseUrl: gateway.url, apiKey: () => new Promise<string>(() => {}) });
    expect(await errorOf(parley.chat.generate(request, { timeoutMs: 50 }))).toMatchObject({
      reason: "DEADLINE_EXCEEDED",
    });
    const controller = new AbortController();
    const waiting = errorOf(parley.chat.stream(request, { signal: controller.signal }).collect());
    controller.abort();
    expect(await waiting).toMatchObject({ reason: "CANCELLED" });
    expect(gateway.calls.length).toBe(calls);
  });

  test("the time a key takes is a part of the budget", async () => {
    let give: (key: string) => void = () => {};
    const apiKeyLater = (): Promise<string> => new Promise((resolve) => (give = resolve));
    const parley = createParley({ baseUrl: gateway.url, apiKey: apiKeyLater });
    const startedAt = performance.now();
    const work = parley.chat.generate({ ...request, model: "story" }, { timeoutMs: 9_000 });
    await expect.poll(() => performance.now() - startedAt).toBeGreaterThan(100);
    give(apiKey);
    await work;
    expect(gateway.lastCall.timeoutMs).toBeLessThan(8_950);
  });

  test("a stream is sent when it is read, and can be read once", async () => {
    const calls = gateway.calls.length;
    const stream = createParley({ baseUrl: gateway.url, apiKey }).chat.stream({ ...request, model: "story" });
    expect(gateway.calls.length).toBe(calls);
    await stream.collect();
    expect(gateway.calls.length).toBe(calls + 1);
    await expect(stream.collect()).rejects.toThrow("Cannot read a stream twice");
  });

  test.each(["connect", "grpc"] as const)(
    "more streams than one connection may carry begin at once, over %s",
    async (protocol) => {
      const parley = createParley({ baseUrl: gateway.url, apiKey, protocol });
      const streams = Array.from({ length: 150 }, () => parley.chat.stream(request)[Symbol.asyncIterator]());
      const first = await Promise.all(streams.map((stream) => stream.next()));
      expect(first.every(({ value }) => value?.event.case === "started")).toBe(true);
      await Promise.all(streams.map((stream) => stream.return()));
    },
  );

  test("a finished call leaves no listener on the caller's signal", async () => {
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners.add(args[1]);
      const options = args[2];
      if (typeof options === "object") options.signal?.addEventListener("abort", () => listeners.delete(args[1]));
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners.delete(args[1]);
      remove(...args);
    };
    const parley = createParley({ baseUrl: gateway.url, apiKey: () => apiKey });
    await parley.chat.generate({ ...request, model: "story" }, { signal });
    await parley.chat.stream({ ...request, model: "story" }, { signal }).collect();
    for await (const event of parley.chat.stream(request, { signal })) if (event.event.case === "blockDelta") break;
    expect(listeners.size).toBe(0);
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 31])("refuses timeoutMs %s", async (timeoutMs) => {
    const parley = createParley({ baseUrl: gateway.url, apiKey });
    expect(() => parley.chat.stream(request, { timeoutMs })).toThrow("timeoutMs is");
    await expect(parley.chat.generate(request, { timeoutMs })).rejects.toThrow("timeoutMs is");
  });
});
