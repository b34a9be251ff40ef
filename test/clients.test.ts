import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import * as protoLoader from "@grpc/proto-loader";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { storyText } from "../src/sandbox/index.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// Clients that nobody here wrote, against the running gateway.
const root = join(import.meta.dirname, "..");
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.close());

const messages = [{ role: "user" as const, content: "Tell me a story" }];

describe("openai", () => {
  const client = () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.localKey });

  test("gets a whole answer", async () => {
    const answer = await client().chat.completions.create({ model: "sandbox/story", messages });
    expect(answer.choices[0]?.message.content).toBe(storyText);
    expect(answer.usage?.completion_tokens).toBe(60);
    expect(answer.model).toBe("sandbox/story");
  });

  test("streams", async () => {
    const stream = await client().chat.completions.create({
      model: "sandbox/story@delay_ms=0",
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let usage;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(storyText);
    expect(usage?.completion_tokens).toBe(60);
  });

  test("runs a loop of tools", async () => {
    const weather = {
      type: "function" as const,
      function: {
        name: "weather",
        parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
      },
    };
    const first = await client().chat.completions.create({ model: "sandbox/tools", messages, tools: [weather] });
    const call = first.choices[0]?.message.tool_calls?.[0];
    expect(first.choices[0]?.finish_reason).toBe("tool_calls");
    if (call?.type !== "function") throw new Error("no call of a function");
    expect(JSON.parse(call.function.arguments)).toHaveProperty("city");
    const second = await client().chat.completions.create({
      model: "sandbox/tools",
      messages: [...messages, first.choices[0]!.message, { role: "tool", tool_call_id: call.id, content: "sunny" }],
      tools: [weather],
    });
    expect(second.choices[0]?.message.content).toContain("sunny");
  });

  test("gathers streamed tool calls", async () => {
    const names = ["weather", "clock"];
    const tools = names.map((name) => ({
      type: "function" as const,
      function: { name, parameters: { type: "object", properties: {} } },
    }));
    const runner = client().chat.completions.stream({
      model: "sandbox/tools@delay_ms=0",
      messages,
      tools,
      parallel_tool_calls: true,
    });
    const calls = (await runner.finalMessage()).tool_calls ?? [];
    expect(calls.map((call) => call.type === "function" && call.function.name)).toEqual(names);
  });

  test("gets an instance of its schema", async () => {
    const answer = await client().chat.completions.create({
      model: "sandbox/json",
      messages,
      response_format: {
        type: "json_schema",
        json_schema: {
          name: "pair",
          strict: true,
          schema: {
            type: "object",
            properties: { b: { type: "number" }, a: { type: "string" } },
            required: ["b", "a"],
            additionalProperties: false,
          },
        },
      },
    });
    expect(Object.keys(JSON.parse(answer.choices[0]?.message.content ?? ""))).toEqual(["b", "a"]);
  });

  test("aborts, and the provider's connection is closed at once", async () => {
    const stream = await client().chat.completions.create({
      model: "sandbox/story@delay_ms=20,tokens=5000",
      messages,
      stream: true,
    });
    let chunks = 0;
    for await (const _chunk of stream) {
      if (++chunks === 5) stream.controller.abort();
    }
    await gateway.sandbox.books.until(
      (books) => books.of("story@delay_ms=20,tokens=5000").at(-1)?.ended === "client_closed",
    );
  });

  test("sees errors as its own classes, and does not retry what will not help", async () => {
    const before = gateway.sandbox.books.attempts.length;
    const failures = await Promise.allSettled([
      client().chat.completions.create({ model: "sandbox/nothing/at/all", messages }),
      new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "not-a-key-at-all" }).chat.completions.create({
        model: "sandbox/echo",
        messages,
      }),
      client().chat.completions.create({ model: "sandbox/echo", messages: [] }),
    ]);
    const [missing, denied, empty] = failures.map((one) => (one.status === "rejected" ? one.reason : undefined));
    expect(missing).toBeInstanceOf(OpenAI.NotFoundError);
    expect(missing).toMatchObject({ code: "model_not_found" });
    expect(denied).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(empty).toBeInstanceOf(OpenAI.BadRequestError);
    expect(gateway.sandbox.books.attempts.length).toBeLessThanOrEqual(before + 1);
  });

  test("throws on a stream that is cut, after what was delivered", async () => {
    const stream = await client().chat.completions.create({
      model: "sandbox/fault-cut@delay_ms=0",
      messages,
      stream: true,
    });
    let text = "";
    const reading = (async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    })();
    await expect(reading).rejects.toThrow(/interrupted|closed|reset|complete|read/i);
    expect(storyText.startsWith(text)).toBe(true);
    expect(text.length).toBeGreaterThan(0);
  });

  test("lists and finds models", async () => {
    const models = [];
    for await (const model of client().models.list()) models.push(model.id);
    expect(models).toContain("failover-demo");
    expect(models).toContain("sandbox/echo");
    expect((await client().models.retrieve("sandbox/echo")).id).toBe("sandbox/echo");
  });
});

describe("@grpc/grpc-js, from the .proto files", () => {
  function service(): any {
    const definition = protoLoader.loadSync("parley/v1/chat_service.proto", {
      includeDirs: [join(root, "proto"), join(root, "third_party/protovalidate"), join(root, "third_party/grpc")],
      keepCase: true,
      enums: String,
      longs: String,
      oneofs: true,
      defaults: false,
    });
    const loaded: any = grpc.loadPackageDefinition(definition);
    return new loaded.parley.v1.ChatService(`127.0.0.1:${gateway.port}`, grpc.credentials.createInsecure());
  }
  const metadata = () => {
    const one = new grpc.Metadata();
    one.set("authorization", `Bearer ${gateway.localKey}`);
    return one;
  };
  const request = (model: string) => ({
    request: { model, messages: [{ role: "ROLE_USER", parts: [{ text: { text: "Hello" } }] }] },
  });

  test("gets a whole answer", async () => {
    const client = service();
    const reply: any = await promisify(client.generate.bind(client))(request("sandbox/echo"), metadata());
    expect(reply.response.candidates[0].message.parts[0].text.text).toBe("Hello");
    expect(reply.response.candidates[0].finish.reason).toBe("FINISH_REASON_STOP");
    client.close();
  });

  test("streams, and gets a typed status after a failed stream", async () => {
    const client = service();
    const read = (model: string) =>
      new Promise<{ cases: string[]; text: string; code: number; details: boolean }>((resolve) => {
        const call = client.generateStream(request(model), metadata());
        const cases: string[] = [];
        let text = "";
        let details = false;
        call.on("data", ({ event }: any) => {
          cases.push(event.event);
          text += event.block_delta?.text ?? "";
        });
        call.on("error", (error: grpc.ServiceError) => {
          details = error.metadata.get("grpc-status-details-bin").length > 0;
        });
        call.on("status", (status: grpc.StatusObject) =>
          setImmediate(() => resolve({ cases, text, code: status.code, details })),
        );
      });
    const good = await read("sandbox/story@delay_ms=0");
    expect(good).toMatchObject({ text: storyText, code: grpc.status.OK });
    expect(good.cases.at(-1)).toBe("completed");
    const cut = await read("sandbox/fault-cut@delay_ms=0");
    expect(cut).toMatchObject({ code: grpc.status.UNAVAILABLE, details: true });
    expect(cut.cases.at(-1)).toBe("failed");
    client.close();
  });

  test("a deadline reaches the gateway and the provider", async () => {
    const client = service();
    const call = promisify(client.generate.bind(client)) as any;
    await expect(
      call(request("sandbox/fault-silence"), metadata(), { deadline: Date.now() + 300 }),
    ).rejects.toMatchObject({
      code: grpc.status.DEADLINE_EXCEEDED,
    });
    await gateway.sandbox.books.until((books) => books.of("fault-silence").at(-1)?.ended === "client_closed");
    client.close();
  });
});

describe("buf curl, with reflection", () => {
  const run = promisify(execFile);
  const buf = (...args: string[]) =>
    run(join(root, "node_modules/.bin/buf"), ["curl", "--http2-prior-knowledge", ...args], { cwd: "/" });

  test.each(["connect", "grpc", "grpcweb"])("calls over %s", async (protocol) => {
    const { stdout } = await buf(
      "--protocol",
      protocol,
      "-H",
      `authorization: Bearer ${gateway.localKey}`,
      "-d",
      '{"request":{"model":"sandbox/echo","messages":[{"role":"ROLE_USER","parts":[{"text":{"text":"Hello"}}]}]}}',
      `${gateway.url}/parley.v1.ChatService/Generate`,
    );
    expect(JSON.parse(stdout).response.candidates[0].message.parts[0].text.text).toBe("Hello");
  });

  test("lists the services", async () => {
    const { stdout } = await buf("--list-services", gateway.url);
    expect(stdout).toContain("parley.v1.ChatService");
    expect(stdout).toContain("grpc.health.v1.Health");
  });
});
