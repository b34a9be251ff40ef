import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { storyText } from "../src/sandbox/index.ts";
import { bundleForPage, launchBrowser, PageServer } from "./support/browser.ts";
import { HELD_TEXT, HeldUpstream } from "./support/held-upstream.ts";
import type * as PageClient from "./support/page-client.ts";
import { startGatewayProcess, TestFolder, type GatewayProcess } from "./support/process.ts";

// A page of another origin in real Chromium calls the running gateway through Connect-Web and the generated code.
declare global {
  // what the page's script leaves
  var client: typeof PageClient;
}

const timeout = 30_000;
let folder: TestFolder;
let upstream: HeldUpstream;
let site: PageServer;
let gateway: GatewayProcess;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  folder = new TestFolder();
  upstream = await HeldUpstream.start();
  site = await PageServer.start(
    await bundleForPage(fileURLToPath(new URL("support/page-client.ts", import.meta.url)), "client"),
  );
  const server = `server: { cors_origins: ["${site.origin}"] }`;
  const routes = "routes: { rescue: { targets: [sandbox/fault-503, sandbox/echo] } }";
  const yaml = `version: 1\nsandbox: true\n${server}\n${routes}\nproviders:\n  ${upstream.yaml}\n`;
  gateway = await startGatewayProcess(folder, { yaml });
  browser = await launchBrowser();
  page = await openPage(site.origin);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await gateway?.[Symbol.asyncDispose]();
  await site?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  folder?.[Symbol.dispose]();
});

async function openPage(origin: string): Promise<Page> {
  const opened = await browser.newPage();
  await opened.goto(origin);
  await opened.waitForFunction("globalThis.client");
  return opened;
}

describe.each(["connect", "grpc-web"] as const)("a page of another origin, over %s", { timeout }, (protocol) => {
  const target = (): PageClient.PageTarget => ({ baseUrl: gateway.url, key: gateway.localKey, protocol });

  test("gets a whole answer, and sees the headers that tell where it came from", async () => {
    const ask = (given: PageClient.PageTarget) => globalThis.client.generate(given, "rescue", "Hello from a page");
    const outcome = await page.evaluate(ask, target());
    expect(outcome).toMatchObject({ end: "completed", text: "Hello from a page" });
    expect(outcome.headers).toMatchObject({
      "x-request-id": expect.stringMatching(/^req_/),
      "x-parley-provider": "sandbox",
      "x-parley-attempts": "2",
    });
  });

  test("gets a stream, piece by piece, to its end", async () => {
    const outcome = await page.evaluate(
      (given) => globalThis.client.stream(given, "sandbox/story@delay_ms=1"),
      target(),
    );
    expect(outcome).toMatchObject({ end: "completed", text: storyText });
    expect(outcome.events.filter((event) => event === "blockDelta").length).toBeGreaterThan(10);
    expect([outcome.events[0], outcome.events.at(-1)]).toEqual(["started", "completed"]);
  });

  test("reads typed errors: before an answer, with their field and attempts, and after its first words", async () => {
    const outcomes = await page.evaluate(
      async (given) => [
        await globalThis.client.generate(given, "nothing-of-the-kind", "Hello"),
        await globalThis.client.generate(given, "sandbox/fault-503", "Hello"),
        await globalThis.client.generate({ ...given, key: "not-a-key-at-all" }, "sandbox/echo", "Hello"),
        await globalThis.client.stream(given, "sandbox/fault-cut@after=3,delay_ms=1"),
      ],
      target(),
    );
    expect(outcomes).toMatchObject([
      { end: "MODEL_NOT_FOUND", field: "model", attempts: 0 },
      { end: "PROVIDER_OVERLOADED", attempts: 3 },
      { end: "UNAUTHENTICATED" },
      {
        end: "STREAM_INTERRUPTED",
        text: storyText
          .split(/(?<= )/)
          .slice(0, 3)
          .join("")
          .trimEnd(),
      },
    ]);
    expect(outcomes[3]?.events.at(-1)).toBe("failed");
  });

  test("aborts, and the provider's answer is left at once", async () => {
    const leftBefore = upstream.left;
    const outcome = await page.evaluate((given) => globalThis.client.stream(given, "held/any", 1), target());
    expect(outcome).toMatchObject({ end: "UNTYPED 1", text: HELD_TEXT.first });
    await upstream.until(({ left }) => left === leftBefore + 1);
  });

  test("is closed by its reader, and the provider's answer is left at once", async () => {
    const leftBefore = upstream.left;
    const other = await openPage(site.origin);
    const begin = (given: PageClient.PageTarget): void => void globalThis.client.stream(given, "held/any");
    await other.evaluate(begin, target());
    await upstream.until(({ waiting }) => waiting === 1);
    await other.close();
    await upstream.until(({ left }) => left > leftBefore);
    expect(upstream).toMatchObject({ waiting: 0, left: leftBefore + 1 });
  });

  test("lists the models", async () => {
    expect(await page.evaluate((given) => globalThis.client.listModels(given), target())).toContain("sandbox/story");
  });

  test("gets nothing from an origin that is not configured", async () => {
    const other = await openPage(site.otherOrigin);
    const ask = (given: PageClient.PageTarget) => globalThis.client.generate(given, "sandbox/echo", "Hello");
    expect((await other.evaluate(ask, target())).end).toMatch(/^UNTYPED/);
    await other.close();
  });
});

test("the console chats with the key that is entered, and shows a failure", { timeout }, async () => {
  const console = await browser.newPage();
  const complaints: string[] = [];
  console.on("pageerror", (error) => complaints.push(error.message));
  console.on("console", (message) => void (message.type() === "error" && complaints.push(message.text())));
  await console.goto(`${gateway.url}/console/`);
  await expect.poll(() => console.textContent("#ready")).toBe("ready");
  await console.fill("#key", gateway.localKey);
  await console.click("#key-form button");
  await expect.poll(() => console.locator("#models li").allTextContents()).toContain("rescue");

  await console.fill("#model", "sandbox/story@delay_ms=1");
  await console.click("#send");
  await expect
    .poll(() => console.textContent("#result"), { timeout: 10_000 })
    .toMatch(/^complete · \d+ tokens in · 60 out/);
  expect(await console.textContent("#answer")).toBe(storyText);
  expect(await console.textContent("#origin")).toMatch(/^sandbox\/story\S* · req_/);

  await console.fill("#model", "rescue");
  await console.fill("#prompt", "Hello, console");
  await console.click("#send");
  await expect.poll(() => console.textContent("#result")).toMatch(/2 attempts$/);
  expect(await console.textContent("#answer")).toBe("Hello, console");

  await console.fill("#model", "sandbox/fault-cut@after=3,delay_ms=1");
  await console.click("#send");
  await expect.poll(() => console.textContent("#result")).toMatch(/the connection was reset$/);
  expect(storyText.startsWith((await console.textContent("#answer")) ?? "?")).toBe(true);
  expect(complaints).toEqual([]);
});
