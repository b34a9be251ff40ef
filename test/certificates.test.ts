import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { selfSigned } from "../src/surfaces/test-certificate.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

const folder = mkdtempSync(join(tmpdir(), "parley-mtls-"));
const server = selfSigned("server");
const [known, printed, stranger] = [selfSigned("payroll"), selfSigned("anybody"), selfSigned("stranger")];
const MODEL = "sandbox/echo";
let gateway: TestGateway;

beforeAll(async () => {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const ca = file("ca.pem", [known, printed, stranger].map(({ cert }) => cert).join(""));
  const { fingerprint256 } = new X509Certificate(printed.cert);
  gateway = await startGateway({
    yaml: `version: 1
sandbox: true
server: { tls: { cert: ${file("cert.pem", server.cert)}, key: ${file("key.pem", server.key)}, client_ca: ${ca} } }
policies: { narrow: { allow_models: ["${MODEL}"] } }
keys:
  - { name: payroll, certificate: { common_name: payroll, alternative_name: "IP Address:127.0.0.1" }, policy: narrow }
  - { name: printed, certificate: { sha256: "${fingerprint256}" } }
`,
  });
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

/** Status and body of a chat over HTTP/1.1 with a client certificate. */
function ask(identity: { cert: string; key: string }, model: string, headers = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ ...identity, ca: server.cert, ALPNProtocols: ["http/1.1"] });
    const path = "/v1/chat/completions";
    const sent = request({
      port: gateway.port,
      host: "127.0.0.1",
      path,
      method: "POST",
      agent,
      headers: { "content-type": "application/json", ...headers },
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => (agent.destroy(), resolve(`${response.statusCode} ${text}`)));
    });
    sent.end(JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] }));
  });
}

/** Status of the list of models over HTTP/2. */
function listOverHttp2(identity: { cert: string; key: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const session = connect(`https://127.0.0.1:${gateway.port}`, { ...identity, ca: server.cert });
    session.on("error", reject);
    const stream = session.request({ ":path": "/v1/models" });
    stream.on("response", (headers) => {
      resolve(headers[":status"] ?? 0);
      session.close();
    });
    stream.resume();
  });
}

test("a certificate stands for the key entry it fits, with that one's policy, over both HTTP versions", async () => {
  expect(await ask(known, MODEL)).toMatch(/^200 /);
  expect(await ask(known, "sandbox/story")).toMatch(/^403 .*model_not_allowed/);
  expect(await ask(printed, "sandbox/story")).toMatch(/^200 /);
  expect([await listOverHttp2(known), await listOverHttp2(stranger)]).toEqual([200, 401]);
});

test("a certificate that fits none is nobody's, and a key goes before a certificate", async () => {
  expect(await ask(stranger, MODEL)).toMatch(/^401 /);
  expect(await ask(stranger, "sandbox/story", { authorization: `Bearer ${gateway.localKey}` })).toMatch(/^200 /);
  expect(await ask(known, MODEL, { authorization: "Bearer wrong-key-of-sixteen" })).toMatch(/^401 /);
});
