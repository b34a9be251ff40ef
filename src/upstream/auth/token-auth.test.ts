import { createVerify, generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ErrorReason } from "../../contract/index.ts";
import { redact } from "../../errors/index.ts";
import { realRuntime } from "../../runtime/real.ts";
import { VirtualRuntime } from "../../runtime/virtual.ts";
import { createHttpClient } from "../http-client.ts";
import type { UpstreamClient } from "../upstream.ts";
import { TokenAuth } from "./token-auth.ts";
import type { TokenGrant } from "./token-grant.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PEM = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const START_MS = Date.UTC(2026, 10, 20);

let server: Server;
let upstream: UpstreamClient;
let runtime: VirtualRuntime;
let tokenUrl: string;
let asked: URLSearchParams[];
let answer: (response: ServerResponse, count: number) => void;

function respond(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

beforeEach(async () => {
  asked = [];
  answer = (response, count) => respond(response, 200, { access_token: `token-number-${count}`, expires_in: 3600 });
  server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      asked.push(new URLSearchParams(body));
      answer(response, asked.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  tokenUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  upstream = createHttpClient({
    connectMs: 5000,
    connectionsPerOrigin: 8,
    maxHeaderBytes: 16_384,
    runtime: realRuntime(),
  });
  runtime = new VirtualRuntime({ startMs: START_MS });
});

afterEach(async () => {
  await upstream.close();
  server.closeAllConnections();
  server.close();
});

function grantOf(pem = PEM): TokenGrant {
  return {
    kind: "signed_assertion",
    tokenUrl,
    issuer: "robot@project.example",
    privateKey: { reveal: () => pem },
    keyId: "key-1",
    scope: "scope-a",
  };
}

function authOf(grant = grantOf()): TokenAuth {
  return new TokenAuth(upstream, runtime, grant);
}

function decoded(part: string | undefined): unknown {
  return JSON.parse(Buffer.from(part ?? "", "base64url").toString());
}

const bearer = (count: number) => ({ authorization: `Bearer token-number-${count}` });

describe("TokenAuth", () => {
  test("TokenAuth gets its token for an assertion that the key's owner alone can have signed", async () => {
    const auth = authOf();
    expect(auth.current()).toBeUndefined();
    await expect(auth.fetch()).resolves.toEqual(bearer(1));
    expect(auth.current()).toEqual(bearer(1));
    const [form] = asked;
    expect(form?.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    const [header, claims, signature] = (form?.get("assertion") ?? "").split(".");
    expect(decoded(header)).toEqual({ alg: "RS256", typ: "JWT", kid: "key-1" });
    const issuedAt = START_MS / 1000;
    expect(decoded(claims)).toEqual({
      iss: "robot@project.example",
      sub: "robot@project.example",
      aud: tokenUrl,
      scope: "scope-a",
      iat: issuedAt,
      exp: issuedAt + 3600,
    });
    const verify = createVerify("RSA-SHA256").update(`${header}.${claims}`);
    expect(verify.verify(publicKey, signature ?? "", "base64url")).toBe(true);
  });

  test("a token is fetched once for all who wait, and kept", async () => {
    const auth = authOf();
    await expect(Promise.all([auth.fetch(), auth.fetch(), auth.fetch()])).resolves.toEqual([1, 1, 1].map(bearer));
    await runtime.advance(54 * 60_000);
    expect(auth.current()).toEqual(bearer(1));
    expect(asked.length).toBe(1);
  });

  test("a token is renewed beside the calls before it expires, and an expired one is never sent", async () => {
    const auth = authOf();
    await auth.fetch();
    await runtime.advance(56 * 60_000);
    expect(auth.current()).toEqual(bearer(1));
    // The same renewal that current began.
    await expect(auth.fetch()).resolves.toEqual(bearer(2));
    expect(auth.current()).toEqual(bearer(2));
    await runtime.advance(3600_000 - 30_000);
    expect(auth.current()).toBeUndefined();
    expect(asked.length).toBe(2);
  });

  test("a short-lived token is used for most of its life", async () => {
    answer = (response, count) => respond(response, 200, { access_token: `token-number-${count}`, expires_in: 60 });
    const auth = authOf();
    await auth.fetch();
    await runtime.advance(47_000);
    expect(auth.current()).toEqual(bearer(1));
    await runtime.advance(8_000);
    expect(auth.current()).toBeUndefined();
    expect(asked.length).toBe(1);
  });

  test("a failed renewal does not harm the token that still holds", async () => {
    const auth = authOf();
    await auth.fetch();
    answer = (response) => respond(response, 503, "");
    await runtime.advance(56 * 60_000);
    expect(auth.current()).toEqual(bearer(1));
    await expect(auth.fetch()).rejects.toMatchObject({ reason: ErrorReason.PROVIDER_ERROR });
    expect(auth.current()).toEqual(bearer(1));
  });

  test("a token that the provider refuses is dropped, unless it is so fresh that another would be no better", async () => {
    const auth = authOf();
    await auth.fetch();
    auth.refused();
    expect(auth.current()).toEqual(bearer(1));
    await runtime.advance(60_000);
    auth.refused();
    expect(auth.current()).toBeUndefined();
    await expect(auth.fetch()).resolves.toEqual(bearer(2));
  });

  test.each<[status: number, body: unknown, reason: keyof typeof ErrorReason, words: string]>([
    [
      400,
      { error: "invalid_grant", error_description: "Robot robot@project.example" },
      "PROVIDER_CREDENTIAL",
      "invalid_grant",
    ],
    [401, { error: { message: "sealed" } }, "PROVIDER_CREDENTIAL", "answered 401"],
    [429, {}, "PROVIDER_RATE_LIMITED", "answered 429"],
    [500, "<html>", "PROVIDER_ERROR", "answered 500"],
    [200, {}, "PROVIDER_BAD_OUTPUT", "no access_token"],
    [200, "no json", "PROVIDER_BAD_OUTPUT", "no access_token"],
    [200, { access_token: "two\nlines" }, "PROVIDER_BAD_OUTPUT", "no access_token"],
  ])("an answer of %i with %j is %s", async (status, body, reason, words) => {
    answer = (response) => respond(response, status, body);
    const error = await authOf()
      .fetch()
      .then(
        () => undefined,
        (thrown: Error) => thrown,
      );
    expect(error).toMatchObject({ reason: ErrorReason[reason] });
    expect(error?.message).toContain(words);
    expect(error?.message).not.toMatch(/robot|sealed/);
  });

  test("after a failure the endpoint rests for a second, and is asked anew afterwards", async () => {
    const auth = authOf();
    answer = (response) => respond(response, 503, "");
    await expect(auth.fetch()).rejects.toThrow("answered 503");
    await expect(auth.fetch()).rejects.toThrow("answered 503");
    expect(asked.length).toBe(1);
    answer = (response, count) => respond(response, 200, { access_token: `token-number-${count}`, expires_in: 3600 });
    await runtime.advance(1_000);
    await expect(auth.fetch()).resolves.toEqual(bearer(2));
    expect(runtime.pendingTimers).toBe(0);
  });

  test("an endpoint that does not answer, or is not there, fails typed and in time", async () => {
    const reached = new Promise<void>((resolve) => (answer = () => resolve()));
    const failed = authOf()
      .fetch()
      .catch((error: unknown) => error);
    await reached;
    await runtime.advance(10_000);
    await expect(failed).resolves.toMatchObject({ reason: ErrorReason.PROVIDER_TIMEOUT });
    tokenUrl = "http://127.0.0.1:9/token";
    await expect(authOf().fetch()).rejects.toMatchObject({ reason: ErrorReason.PROVIDER_UNREACHABLE });
  });

  test("a consent and a client's secret are exchanged as their grants say", async () => {
    const secret = { reveal: () => "the-client-secret" };
    const client = { tokenUrl, clientId: "id", clientSecret: secret };
    await authOf({ kind: "refresh_token", ...client, refreshToken: { reveal: () => "the-consent" } }).fetch();
    await authOf({ kind: "client_credentials", ...client, scope: "scope-b" }).fetch();
    expect(asked.map((form) => Object.fromEntries(form))).toEqual([
      {
        grant_type: "refresh_token",
        client_id: "id",
        client_secret: "the-client-secret",
        refresh_token: "the-consent",
      },
      { grant_type: "client_credentials", client_id: "id", client_secret: "the-client-secret", scope: "scope-b" },
    ]);
  });

  test("neither the key nor a token can be printed", async () => {
    const auth = authOf();
    await auth.fetch();
    const shown = inspect(auth, { depth: 10, showHidden: true }) + JSON.stringify(auth);
    expect(shown).not.toMatch(/PRIVATE KEY|token-number/);
    expect(redact("it said token-number-1!")).toBe("it said [redacted]!");
  });

  test.each([
    ["no key at all", "nonsense"],
    [
      "a key of another kind",
      generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    ],
  ])("%s is refused when the gateway starts, and not quoted", (_, pem) => {
    expect(() => authOf(grantOf(pem))).toThrow("the private key of key_file is no RSA key");
  });
});
