import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleForPage, launchBrowser } from "../../test/support/browser.ts";
import { startGateway } from "../../test/support/gateway.ts";
import type * as Sdk from "../src/browser.ts";
import type { StreamEvent } from "../src/index.ts";
import { answer, numbered, started, textBlock } from "./events.ts";
import { ScriptedGateway, aborted } from "./scripted-gateway.ts";

declare global {
  // the SDK as the page's script leaves it
  var sdk: typeof Sdk;
}

const apiKey = "parley_test_key";
const half = (): StreamEvent[] => numbered([started, ...textBlock(["Once"]).slice(0, 2)]);

let gateway: ScriptedGateway;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  gateway = await ScriptedGateway.start({
    story: () => answer(["Once", " upon", " a time"]),
    cut: half,
    endless: async function* (_, { signal }) {
      yield* half();
      await aborted(signal);
    },
  });
  gateway.pages.set("/", `<script type="module" src="/sdk.js"></script>`);
  gateway.pages.set(
    "/sdk.js",
    await bundleForPage(fileURLToPath(new URL("../src/browser.ts", import.meta.url)), "sdk"),
  );
  browser = await launchBrowser();
  page = await browser.newPage();
  await page.goto(gateway.url);
  await page.waitForFunction("globalThis.sdk");
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await gateway?.[Symbol.asyncDispose]();
});

describe.each(["connect", "grpc-web"] as const)("the SDK in a browser, over %s", (protocol) => {
  const options = (): { baseUrl: string; apiKey: string; protocol: typeof protocol } => ({
    baseUrl: gateway.url,
    apiKey,
    protocol,
  });

  test("streams an answer", async () => {
    const pieces = await page.evaluate(async (given) => {
      const { createParley, user } = globalThis.sdk;
      return Array.fromAsync(
        createParley(given)
          .chat.stream({ model: "story", messages: [user("Hi")] })
          .text(),
      );
    }, options());
    expect(pieces).toEqual(["Once", " upon", " a time"]);
  });

  test("throws typed errors: a cut stream, a wrong model, nobody at the address", async () => {
    const errors = await page.evaluate(async (given) => {
      const { createParley, user } = globalThis.sdk;
      const run = (model: string, baseUrl: string): Promise<unknown> =>
        createParley({ ...given, baseUrl })
          .chat.stream({ model, messages: [user("Hi")] })
          .collect()
          .catch(({ name, reason, delivered }: Sdk.ParleyRequestError) => [name, reason, delivered?.text]);
      return [
        await run("cut", given.baseUrl),
        await run("no", given.baseUrl),
        await run("story", "http://127.0.0.1:9"),
      ];
    }, options());
    expect(errors).toEqual([
      ["TruncatedStreamError", "STREAM_INTERRUPTED", "Once"],
      ["ParleyRequestError", "MODEL_NOT_FOUND", undefined],
      ["ParleyRequestError", "GATEWAY_UNREACHABLE", undefined],
    ]);
  });

  test("leaving the loop cancels the request at the gateway", async () => {
    await page.evaluate(async (given) => {
      const { createParley, user } = globalThis.sdk;
      const stream = createParley(given).chat.stream({ model: "endless", messages: [user("Hi")] });
      for await (const { event } of stream) if (event.case === "blockDelta") break;
    }, options());
    await aborted(gateway.lastCall.signal);
    expect(gateway.lastCall.signal.aborted).toBe(true);
  });
});

test("the SDK in a browser reaches a gateway at another origin", async () => {
  const yaml = `version: 1\nsandbox: true\nserver: { cors_origins: ["${gateway.url}"] }\n`;
  const real = await startGateway({ yaml });
  const given = { baseUrl: real.url, apiKey: real.localKey };
  const seen = await page.evaluate(async (options) => {
    const { createParley, textOf, user } = globalThis.sdk;
    const { chat } = createParley(options);
    const ask = (model: string): Sdk.ChatRequestInit => ({ model, messages: [user("Hello from a page")] });
    const stream = chat.stream(ask("sandbox/echo"));
    const pieces = await Array.fromAsync(stream.text());
    const error = await chat
      .generate(ask("sandbox/fault-503"))
      .catch((thrown: Sdk.ParleyRequestError) => thrown.reason);
    return { pieces, whole: textOf(stream.response!), requestId: stream.requestId, error };
  }, given);
  await real.close();
  expect(seen.pieces.length).toBeGreaterThan(1);
  expect(seen.pieces.join("")).toBe("Hello from a page");
  expect(seen.whole).toBe("Hello from a page");
  expect(seen.requestId).toMatch(/^req_/);
  expect(seen.error).toBe("PROVIDER_OVERLOADED");
});
