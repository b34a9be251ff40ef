import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { adminDoor, chatEnd, endOf } from "./support/admin.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

let issuer: Server;
let gateway: TestGateway;
let sign: (claims: Record<string, unknown>) => Promise<string>;

beforeAll(async () => {
  const pair = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: "one", alg: "RS256", use: "sig" };
  issuer = createServer((request, response) => {
    response.writeHead(request.url === "/keys" ? 200 : 302, { location: "/keys" });
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
  const shared = "audience: parley, algorithms: [RS256], claims: { project: team }";
  gateway = await startGateway({
    yaml: `version: 1
sandbox: true
organisations: { acme: { policy: narrow, projects: { search: {} } } }
policies: { narrow: { allow_models: ["sandbox/echo"] } }
issuers:
  corp: { issuer: corp, jwks_url: "${base}/keys", ${shared} }
  moved: { issuer: moved, jwks_url: "${base}/elsewhere", ${shared} }
`,
  });
  sign = (claims) =>
    new SignJWT({ aud: "parley", sub: "ann", iss: "corp", team: "acme/search", ...claims })
      .setProtectedHeader({ alg: "RS256", kid: "one" })
      .setExpirationTime("5m")
      .sign(pair.privateKey);
});
afterAll(async () => {
  await gateway.close();
  issuer.closeAllConnections();
  issuer.close();
});

test("a token of a configured issuer chats at every door under the policies of its project", async () => {
  const token = await sign({});
  const ends = await Promise.all([1, 2, 3].map(() => chatEnd(gateway.url, token)));
  expect(ends).toEqual(["200", "200", "200"]);
  expect(await chatEnd(gateway.url, token, "sandbox/story")).toMatch(/^403 model_not_allowed/);
  const models = await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } });
  expect(models.status).toBe(200);
  const door = adminDoor(gateway.url, token);
  expect(await endOf(door.keys.listKeys({}))).toMatch(/^PERMISSION_DENIED/);
  expect(await endOf(door.keys.mintBrowserKey({}))).toMatch(/^PERMISSION_DENIED .*not known by a key/);
  expect(gateway.logText()).not.toContain(token.split(".")[2]);
});

test("a token of another team, a stranger or an issuer whose keys have moved is refused", async () => {
  expect(await chatEnd(gateway.url, await sign({ team: "acme/none" }))).toMatch(/^401 unauthenticated/);
  expect(await chatEnd(gateway.url, await sign({ iss: "stranger" }))).toMatch(/^401 unauthenticated/);
  expect(await chatEnd(gateway.url, await sign({ iss: "moved" }))).toMatch(/^503 gateway_overloaded/);
});
