// The SDK against the gateway itself, which is started as a whole and met at its address only.
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../../test/support/gateway.ts";
import {
  ParleyRequestError,
  createParley,
  functionTool,
  gatewayErrorFrom,
  messageOf,
  textOf,
  toolCallsOf,
  toolResult,
  user,
  type NodeParleyOptions,
  type Parley,
} from "../src/index.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.close());

const kinds: Partial<NodeParleyOptions>[] = [
  { protocol: "connect" },
  { protocol: "connect", httpVersion: "1.1" },
  { protocol: "grpc" },
  { protocol: "grpc-web", httpVersion: "1.1" },
  { protocol: "connect", fetch },
  { protocol: "grpc-web", fetch },
];

function clientFor(kind: Partial<NodeParleyOptions> = {}): Parley {
  return createParley({ baseUrl: gateway.url, apiKey: gateway.localKey, timeoutMs: 20_000, ...kind });
}

async function errorOf(work: Promise<unknown>): Promise<ParleyRequestError> {
  const error: unknown = await work.then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  if (error instanceof ParleyRequestError) return error;
  throw new Error("no ParleyRequestError was thrown", { cause: error });
}

describe.each(kinds)("the gateway through the SDK with %o", (kind) => {
  const ask = (model: string) => ({
    model: `sandbox/${model}@delay_ms=0`,
    messages: [user("Hello")],
    routing: { maxAttempts: 1 },
  });

  test("a streamed answer is the unary one, piece by piece", async () => {
    const { chat } = clientFor(kind);
    const stream = chat.stream(ask("story"));
    const pieces = await Array.fromAsync(stream.text());
    expect(pieces.length).toBeGreaterThan(10);
    expect(pieces.join("")).toBe(textOf(await chat.generate(ask("story"))));
    expect(stream.response?.usage?.outputTokens).toBe(60);
    expect(stream.requestId).toBe(stream.response?.id);
  });

  test.each(["fault-crlf", "fault-comments", "fault-duplicate-done"])(
    "%s still gives the whole answer",
    async (model) => {
      const { chat } = clientFor(kind);
      expect(textOf(await chat.stream(ask(model)).collect())).toBe(textOf(await chat.generate(ask("story"))));
    },
  );

  test.each([
    ["fault-cut", "STREAM_INTERRUPTED"],
    ["fault-no-finish", "STREAM_INTERRUPTED"],
    ["fault-malformed-event", "PROVIDER_BAD_OUTPUT"],
    ["fault-error-event-late", "PROVIDER_ERROR"],
  ])("%s fails once, after its text, as %s", async (model, reason) => {
    const error = await errorOf(clientFor(kind).chat.stream(ask(model)).collect());
    expect(error).toMatchObject({ reason, fault: "provider", safeToRetry: false });
    expect(error.delivered?.text).toMatch(/^01·Every 02·night/);
    expect(error.errorId).not.toBe("");
    expect(error.requestId).toBe(error.delivered?.requestId);
  });

  test.each([
    ["fault-503", "PROVIDER_OVERLOADED", "provider"],
    ["fault-401", "PROVIDER_CREDENTIAL", "operator"],
    ["fault-html", "PROVIDER_BAD_OUTPUT", "provider"],
    ["fault-reset", "PROVIDER_UNREACHABLE", "provider"],
  ])("%s is %s before any content, unary and streamed", async (model, reason, fault) => {
    const { chat } = clientFor(kind);
    for (const run of [() => chat.generate(ask(model)), () => chat.stream(ask(model)).collect()]) {
      const error = await errorOf(run());
      expect(error).toMatchObject({ reason, fault, safeToRetry: true });
      expect(error.attempts.length).toBeGreaterThan(0);
    }
  });

  test("a deadline ends the request on both sides", async () => {
    const error = await errorOf(clientFor(kind).chat.generate(ask("fault-silence"), { timeoutMs: 200 }));
    expect(error).toMatchObject({ reason: "DEADLINE_EXCEEDED", fault: "caller" });
  });
});

describe("the gateway through the SDK", () => {
  test("rescues a request, and tells of it", async () => {
    const response = await clientFor().chat.generate({ model: "failover-demo", messages: [user("Hello")] });
    expect(response.attempts.map(({ target }) => target?.model)).toEqual(["fault-503", "story"]);
  });

  test("takes a tool's result back", async () => {
    const { chat } = clientFor();
    const tools = [functionTool({ name: "weather", parameters: { type: "object", properties: {} } })];
    const question = user("What is the weather?");
    const asked = await chat.generate({ model: "sandbox/tools", messages: [question], tools });
    const results = toolCallsOf(asked).map((call) => toolResult(call.callId, "sunny"));
    expect(results).toHaveLength(1);
    const messages = [question, messageOf(asked), ...results];
    expect(textOf(await chat.generate({ model: "sandbox/tools", messages, tools }))).toContain("sunny");
  });

  test("lists what the key may use", async () => {
    const names = (await clientFor().models.list()).map(({ name }) => name);
    expect(names[0]).toBe("failover-demo");
    expect(names).toContain("sandbox/story");
    expect(await errorOf(clientFor().models.get("nope"))).toMatchObject({ reason: "MODEL_NOT_FOUND" });
  });

  test("says where a request would go, and what became of it", async () => {
    const { chat, routes } = clientFor();
    const request = { model: "failover-demo", messages: [user("Hello")], explain: true };
    const decision = await routes.explain(request);
    expect(decision.candidates.map(({ rank, name }) => [rank, name])).toEqual([
      [1, "sandbox/fault-503"],
      [2, "sandbox/story"],
    ]);
    const whole = await chat.generate(request);
    const stream = chat.stream(request);
    for (const { id, trace } of [whole, await stream.collect()]) {
      expect(trace?.attempts).toHaveLength(2);
      expect(await routes.trace(id)).toMatchObject({ requestId: id, attempts: trace!.attempts });
    }
    expect(await errorOf(routes.trace("req_none"))).toMatchObject({ reason: "NOT_FOUND" });
  });

  test("gatewayErrorFrom reads the REST surface's errors as the contract's", async () => {
    const body = { model: "sandbox/fault-503", messages: [{ role: "user", content: "Hello" }] };
    const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.localKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const overRest = gatewayErrorFrom(await reply.json());
    const overConnect = await errorOf(clientFor().chat.generate({ model: body.model, messages: [user("Hello")] }));
    const { reason, fault, retryable, safeToRetry, message } = overConnect;
    expect(overRest).toMatchObject({ reason, fault, retryable, safeToRetry, message });
    expect(overRest?.attempts.map(({ model }) => model)).toEqual(overConnect.attempts.map(({ model }) => model));
    expect(overRest?.requestId).toBe(reply.headers.get("x-request-id"));
  });

  test("gatewayErrorFrom reads an error of OpenAI's own client, streamed ones too", async () => {
    const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.localKey, maxRetries: 0 });
    const ask = { messages: [{ role: "user" as const, content: "Hello" }] };
    const plain: unknown = await openai.chat.completions
      .create({ ...ask, model: "sandbox/fault-503" })
      .catch((e: unknown) => e);
    expect(gatewayErrorFrom(plain)).toMatchObject({ reason: "PROVIDER_OVERLOADED", fault: "provider" });
    const reading = (async () => {
      const stream = await openai.chat.completions.create({ ...ask, model: "sandbox/fault-cut", stream: true });
      for await (const chunk of stream) void chunk;
    })();
    const streamed: unknown = await reading.catch((thrown: unknown) => thrown);
    expect(gatewayErrorFrom(streamed)).toMatchObject({ reason: "STREAM_INTERRUPTED", safeToRetry: false });
  });
});
