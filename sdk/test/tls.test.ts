import { once } from "node:events";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ChatService, collect, createParley, textOf, user, type NodeParleyOptions } from "../src/index.ts";
import { selfSignedCertificate } from "./certificate.ts";
import { answer } from "./events.ts";

const gatewayPair = selfSignedCertificate();
const clientPair = selfSignedCertificate();
const request = { model: "story", messages: [user("Hi")] };

let server: Http2SecureServer;
let baseUrl: string;

beforeAll(async () => {
  const handler = connectNodeAdapter({
    routes: (router) =>
      router.service(ChatService, { generate: async () => ({ response: await collect(answer(["Safe"])) }) }),
  });
  const trust = { ca: clientPair.cert, requestCert: true, rejectUnauthorized: true };
  server = createSecureServer({ ...gatewayPair, ...trust, allowHTTP1: true }, (request_, response) => {
    handler(request_, response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  baseUrl = `https://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});

afterAll(() => server.close());

const kinds: Partial<NodeParleyOptions>[] = [{}, { httpVersion: "1.1" }, { protocol: "grpc" }];

test.each(kinds)("createParley with tls trusts a given authority and shows its own certificate: %o", async (kind) => {
  const tls = { ca: gatewayPair.cert, ...clientPair };
  expect(textOf(await createParley({ baseUrl, tls, ...kind }).chat.generate(request))).toBe("Safe");
});

test.each(kinds)("createParley without tls trusts no self-signed gateway: %o", async (kind) => {
  await expect(createParley({ baseUrl, ...kind }).chat.generate(request)).rejects.toMatchObject({
    reason: "GATEWAY_UNREACHABLE",
    message: expect.stringContaining("self-signed certificate") as string,
  });
});
