import * as http2 from "node:http2";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ModelKind, ModelSchema, type Model } from "../../contract/index.ts";
import { realRuntime } from "../../runtime/real.ts";
import { openAiSpec } from "./openai-spec.ts";
import { BODY, CHAT, KEY, errorOf, sayHi, serveSurface } from "./test-support.ts";

const runtime = realRuntime();

type Json = Record<string, unknown>;

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

describe("over HTTP/2", () => {
  test("HEAD sends headers only", async () => {
    await using served = await serveSurface(runtime, sayHi());
    const session = http2.connect(served.url);
    const head = await exchange(session, {
      ":method": "HEAD",
      ":path": "/v1/models",
      authorization: `Bearer ${KEY}`,
    });
    expect(head).toMatchObject({ status: 200, text: "" });
    session.close();
  });

  test("refused uploads do not use up the connection for those after them", async () => {
    await using served = await serveSurface(runtime, sayHi());
    const session = http2.connect(served.url);
    const post = { ":method": "POST", ":path": CHAT, "content-type": "application/json" };
    for (let count = 0; count < 5; count++) {
      expect(await exchange(session, post, "x".repeat(60_000))).toMatchObject({ status: 401 });
      expect(await exchange(session, { ...post, ":method": "PUT" }, "x".repeat(60_000))).toMatchObject({ status: 405 });
    }
    const taken = await exchange(session, { ...post, authorization: `Bearer ${KEY}` }, JSON.stringify(BODY));
    expect(taken.status).toBe(200);
    session.close();
  });
});

/** Resolves when the answer has come and what was sent was taken. */
async function exchange(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body = "",
): Promise<{ status: unknown; text: string }> {
  const stream = session.request(headers, { endStream: false });
  let status: unknown;
  let text = "";
  stream.on("response", (got) => (status = got[":status"]));
  stream.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  const ended = new Promise<void>((resolve, reject) => stream.once("end", resolve).once("error", reject));
  const taken = new Promise<void>((resolve) => stream.end(body, resolve));
  await Promise.all([ended, taken]);
  return { status, text };
}

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
