import { createVerify, generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// Clouds authorise calls by access tokens, which the gateway gets for a key or a secret. One server plays both the
// token endpoint, which lets in whoever signs with the right key, and the models, which let in whoever has its token.

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let server: Server;
let port: number;
let gateway: TestGateway;
let calls: Seen[];
let grants: URLSearchParams[];
let tokenStatus: number;

beforeAll(async () => {
  server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  calls = [];
  grants = [];
  tokenStatus = 200;
});

afterEach(() => gateway.close());

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  const answer = (status: number, value: unknown): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
  if (request.url === "/token") {
    const form = new URLSearchParams(body);
    grants.push(form);
    const isGood = tokenStatus === 200 && isKnown(form);
    if (!isGood) return answer(400, { error: "invalid_grant" });
    return answer(200, { access_token: `cloud-token-${grants.length}`, expires_in: 3600, token_type: "Bearer" });
  }
  calls.push({ path: request.url ?? "", headers: request.headers, body });
  if (!/^Bearer cloud-token-\d+$/.test(request.headers.authorization ?? "")) return answer(401, {});
  answer(200, answerTo(request.url ?? ""));
}

function isKnown(form: URLSearchParams): boolean {
  if (form.get("grant_type") === "client_credentials") return form.get("client_secret") === "the-client-secret";
  const [header, claims, signature] = (form.get("assertion") ?? "").split(".");
  return createVerify("RSA-SHA256")
    .update(`${header}.${claims}`)
    .verify(publicKey, signature ?? "", "base64url");
}

function answerTo(path: string): unknown {
  const text = "Hello from the cloud";
  if (path.includes("/publishers/google/")) {
    const candidates = [{ content: { role: "model", parts: [{ text }] }, finishReason: "STOP", index: 0 }];
    const usageMetadata = { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7 };
    return { candidates, usageMetadata, responseId: "r1", modelVersion: "gemini-3.5-flash" };
  }
  if (path.includes("/publishers/anthropic/")) {
    const usage = { input_tokens: 3, output_tokens: 4 };
    const content = [{ type: "text", text }];
    const rest = { model: "claude-sonnet-4-5", stop_reason: "end_turn", stop_sequence: null, content, usage };
    return { id: "msg_1", type: "message", role: "assistant", ...rest };
  }
  const message = { role: "assistant", content: text, refusal: null };
  const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
  const choices = [{ index: 0, message, finish_reason: "stop", logprobs: null }];
  return { id: "c1", object: "chat.completion", created: 1_790_000_000, model: "gpt-4o", choices, usage };
}

function keyFile(key = privateKey): string {
  return JSON.stringify({
    type: "service_account",
    project_id: "my-project",
    private_key_id: "key-1",
    private_key: key.export({ type: "pkcs8", format: "pem" }).toString(),
    client_email: "robot@my-project.iam.gserviceaccount.com",
    token_uri: `http://127.0.0.1:${port}/token`,
  });
}

async function start(provider: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const routes = "routes:\n  safe: { targets: [cloud/gemini-3.5-flash, sandbox/echo] }\n";
  const yaml = `version: 1\nsandbox: true\nproviders:\n  cloud: ${provider}\n${routes}`;
  gateway = await startGateway({ yaml, env });
}

async function ask(model: string, more: object = {}): Promise<{ status: number; served: string | null; body: any }> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }], ...more }),
  });
  return { status: response.status, served: response.headers.get("x-parley-model"), body: await response.json() };
}

const cloud = (): string => `{ kind: vertex, base_url: "http://127.0.0.1:${port}", key_file: "\${KEY_FILE}" }`;

describe("a provider that authorises by access tokens", () => {
  test("one account with a key file serves models of two formats, with one token", async () => {
    await start(cloud(), { KEY_FILE: keyFile() });
    const models = ["cloud/gemini-3.5-flash", "cloud/claude-sonnet-4-5@20250929", "cloud/gemini-3.5-flash"];
    const answers = await Promise.all(models.map((model) => ask(model)));
    expect(answers.map(({ status, body }) => [status, body.choices[0].message.content])).toEqual(
      models.map(() => [200, "Hello from the cloud"]),
    );
    expect(grants.length).toBe(1);
    const base = "projects/my-project/locations/global/publishers";
    expect(new Set(calls.map(({ path }) => path))).toEqual(
      new Set([
        `/v1beta1/${base}/google/models/gemini-3.5-flash:generateContent`,
        `/v1/${base}/anthropic/models/claude-sonnet-4-5@20250929:rawPredict`,
      ]),
    );
    const claude = calls.find(({ path }) => path.includes("anthropic"));
    const body = JSON.parse(claude?.body ?? "{}") as Record<string, unknown>;
    expect(body).toMatchObject({ anthropic_version: "vertex-2023-10-16" });
    expect(body).not.toHaveProperty("model");
    expect(claude?.headers).not.toHaveProperty("anthropic-version");
  });

  test("a key that the cloud does not know fails typed, is rescued by a route, and is not shown", async () => {
    const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    await start(cloud(), { KEY_FILE: keyFile(stranger) });
    const failed = await ask("cloud/gemini-3.5-flash");
    expect([failed.status, failed.body.error.parley.reason]).toEqual([503, "provider_credential"]);
    expect(failed.body.error.message).toContain("its token endpoint answered 400 (invalid_grant)");
    await expect(ask("safe")).resolves.toMatchObject({ status: 200, served: "sandbox/echo" });
    expect(calls).toEqual([]);
    expect(gateway.logText() + JSON.stringify(failed.body)).not.toMatch(/PRIVATE KEY|robot@|eyJ/);
  });

  test("a given access token is sent as it is, in the configured region of a configured project", async () => {
    const where = "project: other-project, location: europe-west4";
    await start(`{ kind: vertex, base_url: "http://127.0.0.1:${port}", ${where}, access_token: cloud-token-99 }`);
    await expect(ask("cloud/gemini-3.5-flash")).resolves.toMatchObject({ status: 200 });
    expect(calls[0]?.path).toContain("/projects/other-project/locations/europe-west4/publishers/google/");
    expect(grants).toEqual([]);
  });

  test("the location of an account is the region of its models, unless it is served from anywhere", async () => {
    const european = { parley: { constraints: { regions: ["europe-west4"] } } };
    const account = (more: string): string =>
      `{ kind: vertex, base_url: "http://127.0.0.1:${port}", project: p, access_token: cloud-token-99${more} }`;
    const models = ["cloud/gemini-3.5-flash", "cloud/claude-sonnet-4-5"];
    const statuses: number[][] = [];
    for (const more of [", location: europe-west4", "", ", location: us, region: europe-west4", ", location: us"]) {
      await start(account(more));
      const answers = await Promise.all(models.map((model) => ask(model, european)));
      statuses.push(answers.map(({ status }) => status));
      if (more !== ", location: us") await gateway.close();
    }
    const refused = [422, 422];
    expect(statuses).toEqual([[200, 200], refused, [200, 200], refused]);
  });

  test("a client of a directory gets its token for its secret, and a dated API its path", async () => {
    const client = `{ tenant_id: t1, client_id: c1, client_secret: the-client-secret, token_url: "http://127.0.0.1:${port}/token" }`;
    const rest = `api_version: "2024-10-21", client: ${client}`;
    await start(`{ kind: azure-openai, base_url: "http://127.0.0.1:${port}", ${rest} }`);
    await expect(ask("cloud/gpt-4o")).resolves.toMatchObject({ status: 200 });
    expect(grants.map((form) => Object.fromEntries(form))).toEqual([
      {
        grant_type: "client_credentials",
        client_id: "c1",
        client_secret: "the-client-secret",
        scope: "https://cognitiveservices.azure.com/.default",
      },
    ]);
    expect(calls.map(({ path }) => path)).toEqual([
      "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
    ]);
  });
});
