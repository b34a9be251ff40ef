import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterEach, expect, test } from "vitest";
import { realRuntime } from "../../runtime/real.ts";
import type { Listener } from "../listener.ts";
import { Readiness } from "../readiness.ts";
import { TestGateway } from "../test-gateway.ts";
import { listenForTest, silentLog } from "../test-support.ts";
import { createConnectSurface } from "./surface.ts";

interface Status {
  readonly status: string;
}

interface HealthClient extends grpc.Client {
  check(request: { service: string }, callback: (error: grpc.ServiceError | null, answer: Status) => void): void;
  watch(request: { service: string }): grpc.ClientReadableStream<Status>;
}

const protos = fileURLToPath(new URL("../../../third_party/grpc", import.meta.url));
const definition = loadSync("grpc/health/v1/health.proto", { includeDirs: [protos], enums: String, defaults: true });
const Health = (
  grpc.loadPackageDefinition(definition) as unknown as {
    grpc: { health: { v1: { Health: new (address: string, credentials: grpc.ChannelCredentials) => HealthClient } } };
  }
).grpc.health.v1.Health;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function start(): Promise<{ client: HealthClient; readiness: Readiness; listener: Listener }> {
  const runtime = realRuntime();
  const readiness = new Readiness();
  const connect = createConnectSurface({
    gateway: new TestGateway(),
    runtime,
    log: silentLog,
    limits: { requestBytes: 1000, requestWithMediaBytes: 1000, jsonDepth: 16, streamBufferBytes: 1000 },
    timeouts: { clientBodyMs: 1000 },
    open: [],
    readiness,
  });
  const listener = await listenForTest(runtime, {
    readiness,
    handlers: { openai: () => undefined, connect, ops: () => false },
  });
  const client = new Health(`127.0.0.1:${listener.port}`, grpc.credentials.createInsecure());
  cleanups.push(
    () => client.close(),
    () => listener.close(),
  );
  return { client, readiness, listener };
}

function check(client: HealthClient, service: string): Promise<Status | grpc.ServiceError> {
  return new Promise((resolve) => client.check({ service }, (error, answer) => resolve(error ?? answer)));
}

test("Check tells grpc-js, without a key, whether the gateway and each of its services serve", async () => {
  const { client, readiness } = await start();
  expect(await check(client, "")).toEqual({ status: "NOT_SERVING" });
  readiness.set("ready");
  expect(await check(client, "")).toEqual({ status: "SERVING" });
  expect(await check(client, "parley.v1.ChatService")).toEqual({ status: "SERVING" });
  expect(await check(client, "no.such.Service")).toMatchObject({ code: grpc.status.NOT_FOUND });
});

test("Watch tells grpc-js each change, and ends itself so that a drain does not wait for it", async () => {
  const { client, readiness, listener } = await start();
  const seen: string[] = [];
  const stream = client.watch({ service: "" });
  const next = (): Promise<void> => new Promise((resolve) => stream.once("data", () => resolve()));
  const ended = new Promise<grpc.ServiceError>((resolve) => stream.once("error", resolve));
  stream.on("data", ({ status }: Status) => seen.push(status));
  await next();
  const changed = next();
  readiness.set("ready");
  await changed;
  await listener.drain();
  expect(await ended).toMatchObject({ code: grpc.status.UNAVAILABLE });
  expect(seen).toEqual(["NOT_SERVING", "SERVING", "NOT_SERVING"]);
});

test("Watch of an unknown service says so and stays, and a watcher who leaves is forgotten", async () => {
  const { client, listener } = await start();
  const stream = client.watch({ service: "no.such.Service" });
  stream.on("error", () => undefined);
  expect(await new Promise((resolve) => stream.once("data", resolve))).toEqual({ status: "SERVICE_UNKNOWN" });
  expect(listener.runningRequests).toBe(1);
  stream.cancel();
  await expect.poll(() => listener.runningRequests).toBe(0);
});
