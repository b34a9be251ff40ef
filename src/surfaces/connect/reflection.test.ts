import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { createClient, type Client } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { afterEach, expect, test } from "vitest";
import { realRuntime } from "../../runtime/real.ts";
import type { Listener } from "../listener.ts";
import { Readiness } from "../readiness.ts";
import { TEST_KEY, TestGateway } from "../test-gateway.ts";
import { listenForTest, silentLog } from "../test-support.ts";
import { reflectionV1, reflectionV1Alpha } from "../../contract/grpc.ts";
import { CONTRACT_SERVICES } from "./access.ts";
import { createConnectSurface } from "./surface.ts";

const run = promisify(execFile);
const buf = fileURLToPath(new URL("../../../node_modules/.bin/buf", import.meta.url));
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function start(open: readonly string[]): Promise<Listener> {
  const runtime = realRuntime();
  const connect = createConnectSurface({
    gateway: new TestGateway(),
    runtime,
    log: silentLog,
    limits: { requestBytes: 10_000, requestWithMediaBytes: 10_000, jsonDepth: 16, streamBufferBytes: 10_000 },
    timeouts: { clientBodyMs: 1000 },
    open,
    readiness: new Readiness(),
  });
  const listener = await listenForTest(runtime, { handlers: { openai: () => undefined, connect, ops: () => false } });
  cleanups.push(() => listener.close());
  return listener;
}

async function* one<T>(value: T): AsyncGenerator<T> {
  yield value;
}

type Reflection = Client<typeof reflectionV1.ServerReflection> | Client<typeof reflectionV1Alpha.ServerReflection>;

function clients(listener: Listener, key?: string): Reflection[] {
  const baseUrl = `http://127.0.0.1:${listener.port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  cleanups.unshift(() => sessionManager.abort());
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    interceptors: [
      (next) => (request) => {
        if (key !== undefined) request.header.set("authorization", `Bearer ${key}`);
        return next(request);
      },
    ],
  });
  return [
    createClient(reflectionV1.ServerReflection, transport),
    createClient(reflectionV1Alpha.ServerReflection, transport),
  ];
}

type Question =
  Parameters<Client<typeof reflectionV1.ServerReflection>["serverReflectionInfo"]>[0] extends AsyncIterable<infer Shape>
    ? Shape
    : never;

async function asked(
  client: Reflection,
  question: Question,
): Promise<reflectionV1.ServerReflectionResponse["messageResponse"]> {
  for await (const answer of (client as Client<typeof reflectionV1.ServerReflection>).serverReflectionInfo(
    one(question),
  ))
    return answer.messageResponse;
  throw new Error("no answer");
}

test("reflection lists services and gives files with all they need, in both versions", async () => {
  const listener = await start(["reflection"]);
  for (const client of clients(listener)) {
    const list = await asked(client, { messageRequest: { case: "listServices", value: "" } });
    expect(list.case === "listServicesResponse" && list.value.service.map(({ name }) => name)).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      ...CONTRACT_SERVICES.map(({ typeName }) => typeName).toSorted(),
    ]);
    const symbol = await asked(client, {
      messageRequest: { case: "fileContainingSymbol", value: "parley.v1.ChatService.Generate" },
    });
    expect(symbol.case).toBe("fileDescriptorResponse");
    const files =
      symbol.case === "fileDescriptorResponse"
        ? symbol.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes))
        : [];
    const names = new Set(files.map((file) => file.name));
    expect(files[0]?.name).toBe("parley/v1/chat_service.proto");
    for (const file of files) for (const dependency of file.dependency) expect(names).toContain(dependency);
    const missing = await asked(client, { messageRequest: { case: "fileByFilename", value: "no/such.proto" } });
    expect(missing.case === "errorResponse" && missing.value.errorCode).toBe(5);
    const extension = await asked(client, {
      messageRequest: {
        case: "fileContainingExtension",
        value: { containingType: "google.protobuf.FieldOptions", extensionNumber: 1159 },
      },
    });
    expect(extension.case).toBe("fileDescriptorResponse");
  }
});

test("reflection needs a key unless its door is open", async () => {
  const listener = await start([]);
  for (const client of clients(listener)) {
    await expect(asked(client, { messageRequest: { case: "listServices", value: "" } })).rejects.toThrow(
      /unauthenticated/,
    );
  }
  for (const client of clients(listener, TEST_KEY)) {
    expect((await asked(client, { messageRequest: { case: "listServices", value: "" } })).case).toBe(
      "listServicesResponse",
    );
  }
});

test("buf curl calls the contract by reflection alone, over gRPC", async () => {
  const listener = await start(["reflection"]);
  const { stdout } = await run(buf, [
    "curl",
    "--http2-prior-knowledge",
    "--protocol",
    "grpc",
    "-H",
    `authorization: Bearer ${TEST_KEY}`,
    "-d",
    '{"request":{"model":"echo","messages":[{"role":"ROLE_USER","parts":[{"text":{"text":"hi"}}]}]}}',
    `http://127.0.0.1:${listener.port}/parley.v1.ChatService/GenerateStream`,
  ]);
  expect(stdout).toContain('"completed"');
  expect(stdout).toContain("wörld");
});
