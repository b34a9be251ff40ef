import * as http from "node:http";
import { describe, expect, test } from "vitest";
import { realRuntime } from "../runtime/real.ts";
import type { Listener } from "./listener.ts";
import { h1Request, h2Request, session, starter, type Answer } from "./test-clients.ts";
import { frame, preface } from "./test-frames.ts";
import { RawClient } from "./test-support.ts";

const start = starter(realRuntime());

describe("one port", () => {
  test("serves HTTP/1.1 and cleartext HTTP/2 and routes by path", async () => {
    const listener = await start();
    const client = session(listener);
    for (const [path, body] of [
      ["/v1/models", "openai"],
      ["/parley.v1.ChatService/Generate", "connect"],
      ["/grpc.health.v1.Health/Check", "connect"],
    ] as const) {
      expect((await h1Request(listener, path)).body).toBe(body);
      expect((await h2Request(client, { ":path": path })).body).toBe(body);
    }
  });

  test("answers an unknown path with a typed 404 and a hint, on both versions", async () => {
    const listener = await start();
    for (const answer of [
      await h1Request(listener, "/chat/completions", { method: "POST", body: "{}" }),
      await h2Request(session(listener), { ":path": "/chat/completions" }, "{}"),
    ]) {
      expect(answer.status).toBe(404);
      expect(answer.headers["x-request-id"]).toMatch(/^req_/);
      const { error } = JSON.parse(answer.body) as { error: { message: string; parley: { reason: string } } };
      expect(error.parley.reason).toBe("not_found");
      expect(error.message).toContain("/v1/chat/completions");
    }
  });

  test("answers a handler that throws with a typed 500 and keeps serving", async () => {
    const listener = await start({
      handlers: {
        openai: () => {
          throw new Error("secret inner text");
        },
        connect: (_request, response) => response.end("fine"),
        ops: () => false,
      },
    });
    const answer = await h1Request(listener, "/v1/models");
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain("secret inner text");
    expect((await h1Request(listener, "/parley.v1.X/Y")).body).toBe("fine");
  });

  test("names the port and the way out when it is taken", async () => {
    const listener = await start();
    await expect(start({ port: listener.port })).rejects.toThrow(
      /Cannot listen on 127\.0\.0\.1:\d+: the port is in use/,
    );
  });
});

describe("bad HTTP", () => {
  test("gets a small typed 400 and is closed", async () => {
    const listener = await start();
    const raw = new RawClient(listener.port);
    raw.write("\u0016\u0003\u0001 this is not HTTP\r\n\r\n");
    expect(await raw.closed).toMatch(/^HTTP\/1\.1 400 .*"reason":"invalid_request"/s);
  });

  test("garbage frames and resets never end the process", async () => {
    const listener = await start();
    for (const bytes of [
      Buffer.concat([preface(), frame(1, 5, 1, Buffer.alloc(64, 0xff))]),
      Buffer.concat([preface(), frame(0, 0, 7, Buffer.from("data on an idle stream"))]),
      Buffer.concat([preface(), Buffer.alloc(500, 0xab)]),
    ]) {
      const raw = new RawClient(listener.port);
      raw.write(bytes);
      await raw.closed;
    }
    const reset = new RawClient(listener.port);
    reset.write("POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
    await reset.until("openai");
    reset.socket.resetAndDestroy();
    expect((await h1Request(listener, "/v1/models")).body).toBe("openai");
  });
});

describe("CORS", () => {
  const corsOrigins = ["https://app.example"];

  test("answers a preflight of a configured origin and no other", async () => {
    const listener = await start({ corsOrigins });
    const preflight = (origin: string): Promise<Answer> =>
      rawOptions(listener, {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,connect-protocol-version,content-type",
      });
    const allowed = await preflight("https://app.example");
    expect(allowed.status).toBe(204);
    expect(allowed.headers).toMatchObject({
      "access-control-allow-origin": "https://app.example",
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": "authorization,connect-protocol-version,content-type",
      "access-control-max-age": "7200",
      vary: "Origin, Access-Control-Request-Headers",
    });
    const refused = await preflight("https://evil.example");
    expect(refused.status).toBe(403);
    expect(refused.headers["access-control-allow-origin"]).toBeUndefined();
    expect(refused.headers["vary"]).toBe("Origin");
  });

  test("exposes our headers to the page and varies by origin, also without one", async () => {
    const listener = await start({ corsOrigins });
    const withOrigin = await h1Request(listener, "/nowhere", { headers: { origin: "https://app.example" } });
    expect(withOrigin.headers["access-control-expose-headers"]).toMatch(/x-request-id.*x-parley-provider.*grpc-status/);
    const without = await h1Request(listener, "/v1/models");
    expect(without.headers["vary"]).toBe("Origin");
    expect(without.headers["access-control-allow-origin"]).toBeUndefined();
  });

  test("never allows credentials, and answers any origin with a star where configured so", async () => {
    const listener = await start({ corsOrigins: ["*"] });
    const answer = await h1Request(listener, "/v1/models", { headers: { origin: "https://any.example" } });
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(answer.headers["access-control-allow-credentials"]).toBeUndefined();
  });
});

function rawOptions(listener: Listener, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ port: listener.port, host: "127.0.0.1", method: "OPTIONS", path: "/v1/x", headers });
    request.on("error", reject);
    request.on("response", (response) => {
      response.resume();
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: "" }));
    });
    request.end();
  });
}
