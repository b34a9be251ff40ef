import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import * as http2 from "node:http2";
import * as https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { realRuntime } from "../runtime/real.ts";
import type { Listener } from "./listener.ts";
import type { ListenOptions } from "./listen-options.ts";
import { selfSigned } from "./test-certificate.ts";
import { listenForTest, RawClient } from "./test-support.ts";

const folder = mkdtempSync(join(tmpdir(), "parley-tls-"));
const server = selfSigned("server");
const client = selfSigned("client");
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const tls = { certFile: file("cert.pem", server.cert), keyFile: file("key.pem", server.key) };
const clientCaFile = file("client-ca.pem", client.cert);
const listeners: Listener[] = [];

async function start(options: Partial<Omit<ListenOptions, "runtime">>): Promise<Listener> {
  const listener = await listenForTest(realRuntime(), options);
  listeners.push(listener);
  return listener;
}

afterEach(() => Promise.all(listeners.splice(0).map((listener) => listener.close())));
afterAll(() => rmSync(folder, { recursive: true }));

function get(port: number, credentials: https.RequestOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.get({
      port,
      host: "127.0.0.1",
      path: "/v1/models",
      ca: server.cert,
      agent: false,
      ...credentials,
    });
    request.on("error", reject);
    request.on("response", (response) => {
      response.setEncoding("utf8");
      response.on("data", resolve);
    });
  });
}

function getOverHttp2(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`https://127.0.0.1:${port}`, { ca: server.cert });
    session.on("error", reject);
    const stream = session.request({ ":path": "/parley.v1.X/Y" });
    stream.setEncoding("utf8");
    stream.on("data", resolve);
    stream.on("end", () => session.close());
  });
}

test("listen with TLS serves HTTP/1.1 and HTTP/2 by ALPN, and drains", async () => {
  const listener = await start({ tls });
  expect(await get(listener.port)).toBe("openai");
  expect(await getOverHttp2(listener.port)).toBe("connect");
  await listener.drain();
  await expect(get(listener.port)).rejects.toThrow("ECONNREFUSED");
});

test("listen with TLS lets in only clients with a certificate where clientCaFile is set", async () => {
  const listener = await start({ tls: { ...tls, clientCaFile } });
  expect(await get(listener.port, { cert: client.cert, key: client.key })).toBe("openai");
  await expect(get(listener.port)).rejects.toThrow(/certificate required|ECONNRESET|socket hang up/);
});

test("listen with TLS cuts a handshake that does not come and one that is none", async () => {
  const listener = await start({ tls, timeouts: { clientHeadersMs: 50, clientBodyMs: 50 } });
  await new RawClient(listener.port).closed;
  const plain = new RawClient(listener.port);
  plain.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await plain.closed;
  await expect.poll(() => listener.connections).toBe(0);
  expect(await get(listener.port)).toBe("openai");
});

test("listen with TLS names the setting whose file cannot be read", async () => {
  await expect(start({ tls: { ...tls, keyFile: "/nowhere/key.pem" } })).rejects.toThrow(
    /server\.tls\.key names \/nowhere/,
  );
});
