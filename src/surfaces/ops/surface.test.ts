import * as http from "node:http";
import * as http2 from "node:http2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Metrics } from "../../observe/metrics.ts";
import { realRuntime } from "../../runtime/real.ts";
import type { Listener } from "../listener.ts";
import { Readiness } from "../readiness.ts";
import { TEST_KEY, TestGateway } from "../test-gateway.ts";
import { listenForTest, RawClient } from "../test-support.ts";
import { createOpsSurface } from "./surface.ts";

const metrics = new Metrics();
const readiness = new Readiness();
let listener: Listener;
let openListener: Listener;

async function start(open: readonly string[], own: Metrics): Promise<Listener> {
  const ops = createOpsSurface({ gateway: new TestGateway(), metrics: own, readiness, open, version: "1.2.3" });
  return listenForTest(realRuntime(), {
    metrics: own,
    readiness,
    handlers: { openai: () => undefined, connect: () => undefined, ops },
  });
}

beforeAll(async () => {
  listener = await start([], metrics);
  openListener = await start(["metrics"], new Metrics());
});
afterAll(() => Promise.all([listener.close(), openListener.close()]));

function get(path: string, init: RequestInit = {}, at = listener): Promise<Response> {
  return fetch(`http://127.0.0.1:${at.port}${path}`, { redirect: "manual", ...init });
}

describe("health", () => {
  test("/healthz is ok from the start, /readyz follows the gateway's life", async () => {
    const health = await get("/healthz");
    expect([health.status, await health.json()]).toEqual([200, { status: "ok" }]);
    const states: [number, unknown][] = [];
    for (const state of ["starting", "ready", "draining"] as const) {
      readiness.set(state);
      const ready = await get("/readyz");
      states.push([ready.status, await ready.json()]);
    }
    expect(states).toEqual([
      [503, { status: "starting" }],
      [200, { status: "ready" }],
      [503, { status: "draining" }],
    ]);
    expect(health.headers.get("x-request-id")).toMatch(/^req_/);
    expect(health.headers.get("cache-control")).toBe("no-store");
  });
});

describe("/metrics", () => {
  test("needs a key unless the door is open", async () => {
    const refused = await get("/metrics");
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({
      error: { code: "invalid_api_key", parley: { reason: "unauthenticated" } },
    });
    expect((await get("/metrics", { headers: { authorization: `Bearer ${TEST_KEY}` } })).status).toBe(200);
    expect((await get("/metrics", {}, openListener)).status).toBe(200);
  });

  test("is Prometheus text with the listener's own figures", async () => {
    const answer = await get("/metrics", {}, openListener);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await answer.text()).toMatch(/# TYPE parley_open_connections gauge\nparley_open_connections [1-9]/);
  });
});

describe("/", () => {
  test("answers programs with links and leads browsers to the console", async () => {
    const front = await get("/");
    expect(await front.json()).toMatchObject({
      name: "parley",
      version: "1.2.3",
      links: { openai: "/v1/", metrics: "/metrics" },
    });
    expect(front.headers.get("vary")).toBe("Accept");
    const browser = await get("/", { headers: { accept: "text/html,application/xhtml+xml" } });
    expect([browser.status, browser.headers.get("location")]).toEqual([302, "/console/"]);
    expect((await get("/console")).headers.get("location")).toBe("/console/");
  });
});

describe("/console/", () => {
  test("serves its files with their types and a policy that lets in nothing else", async () => {
    const types = {
      "": "text/html; charset=utf-8",
      "console.js": "text/javascript; charset=utf-8",
      "connect-stream.js": "text/javascript; charset=utf-8",
      "console.css": "text/css; charset=utf-8",
      "icon.svg": "image/svg+xml",
    };
    for (const [name, type] of Object.entries(types)) {
      const answer = await get(`/console/${name}`);
      expect([name, answer.status, answer.headers.get("content-type")]).toEqual([name, 200, type]);
      expect(answer.headers.get("content-security-policy")).toMatch(/^default-src 'self';/);
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  test("the page names only files that are served, and has nothing inline", async () => {
    const page = await (await get("/console/")).text();
    const names = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) expect([name, (await get(`/console/${name}`)).status]).toEqual([name, 200]);
    expect(page).not.toMatch(/<style|<script>|\son\w+=|style="/);
  });

  test.each([
    "/console/../surface.ts",
    "/console/..%2fsurface.ts",
    "/console/console/index.html",
    "/console//etc/passwd",
    "//console/",
    "/console/%00",
  ])("%s is a typed 404", async (path) => {
    const raw = new RawClient(listener.port);
    raw.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    expect(await raw.closed).toMatch(/^HTTP\/1\.1 404 .*"reason":"not_found"/s);
  });
});

describe("methods", () => {
  test("anything but GET and HEAD is a typed 405", async () => {
    const answer = await get("/healthz", { method: "POST", body: "{}" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(await answer.json()).toMatchObject({ error: { parley: { reason: "invalid_request" } } });
  });

  test("HEAD answers headers alone on both versions", async () => {
    const h1 = await new Promise<http.IncomingMessage>((resolve) => {
      http
        .request({ port: listener.port, host: "127.0.0.1", method: "HEAD", path: "/healthz", agent: false }, resolve)
        .end();
    });
    expect([h1.statusCode, h1.headers["content-length"]]).toEqual([200, "15"]);
    h1.resume();
    const session = http2.connect(`http://127.0.0.1:${listener.port}`);
    const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) => {
      session.request({ ":method": "HEAD", ":path": "/healthz" }).on("response", resolve).end();
    });
    expect(headers["content-length"]).toBe("15");
    session.close();
  });
});
