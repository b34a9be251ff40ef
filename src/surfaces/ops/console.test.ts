import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromiumPath } from "../../../test/support/chromium.ts";
import { Metrics } from "../../observe/metrics.ts";
import { realRuntime } from "../../runtime/real.ts";
import { createConnectSurface } from "../connect/surface.ts";
import type { Listener } from "../listener.ts";
import { Readiness } from "../readiness.ts";
import { TEST_KEY, TestGateway } from "../test-gateway.ts";
import { listenForTest, silentLog } from "../test-support.ts";
import { createOpsSurface } from "./surface.ts";

const readiness = new Readiness();
const gateway = new TestGateway();
let listener: Listener;
let browser: Browser;

beforeAll(async () => {
  const runtime = realRuntime();
  const connect = createConnectSurface({
    gateway,
    runtime,
    log: silentLog,
    limits: { requestBytes: 10_000, requestWithMediaBytes: 10_000, jsonDepth: 16, streamBufferBytes: 10_000 },
    timeouts: { clientBodyMs: 1000 },
    open: [],
    readiness,
  });
  listener = await listenForTest(runtime, {
    readiness,
    handlers: {
      openai: (request, response) => {
        const names = request.headers.authorization === `Bearer ${TEST_KEY}` ? ["fast", "<b>odd</b>/name"] : [];
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ data: names.map((id) => ({ id })) }));
      },
      connect,
      ops: createOpsSurface({ gateway, metrics: new Metrics(), readiness, open: [], version: "1.2.3" }),
    },
  });
  readiness.set("ready");
  browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] });
}, 120_000);

afterAll(async () => {
  await browser.close();
  await listener.close();
});

async function send(page: Page, model: string): Promise<void> {
  await page.fill("#model", model);
  await page.click("#send");
}

test("the console shows the gateway and its models, and streams a chat, in a real browser", async () => {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(`http://127.0.0.1:${listener.port}/`);
  expect(page.url()).toBe(`http://127.0.0.1:${listener.port}/console/`);
  await expect.poll(() => page.textContent("#version")).toBe("1.2.3");
  await expect.poll(() => page.textContent("#ready")).toBe("ready");
  await page.fill("#key", TEST_KEY);
  await page.click("#key-form button");
  await expect.poll(() => page.locator("#models li").allTextContents()).toEqual(["fast", "<b>odd</b>/name"]);
  expect(await page.inputValue("#key")).toBe("");

  await send(page, "echo");
  await expect.poll(() => page.textContent("#result")).toBe("complete · 0.00042 USD · 2 attempts");
  expect(await page.textContent("#answer")).toBe("Hello, wörld");
  expect(await page.textContent("#origin")).toMatch(/^sandbox\/echo · req_/);

  await send(page, "fail-after:STREAM_INTERRUPTED");
  await expect.poll(() => page.textContent("#result")).toContain("Cannot go on");
  expect(await page.textContent("#answer")).toBe("par");

  await send(page, "wait");
  await expect.poll(() => page.textContent("#answer")).toBe("beginning");
  await page.click("#stop");
  await expect.poll(() => page.textContent("#result")).toBe("stopped");
  await expect.poll(() => gateway.calls.at(-1)?.signal.aborted).toBe(true);
  expect(complaints).toEqual([]);
  await page.close();
}, 60_000);
