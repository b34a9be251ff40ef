import { describe, expect, test } from "vitest";
import { realRuntime } from "../../runtime/real.ts";
import { InFlightBudget } from "../in-flight-budget.ts";
import { KEY, serveSurface, CHAT, BODY, errorOf, sayHi } from "./test-support.ts";

const runtime = realRuntime();

describe("bad requests", () => {
  const text = JSON.stringify(BODY);
  const large = JSON.stringify({ ...BODY, messages: [{ role: "user", content: "x".repeat(70_000) }] });
  const media = (bytes: number): string =>
    JSON.stringify({
      ...BODY,
      messages: [
        {
          role: "user",
          content: [{ type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(bytes)}` } }],
        },
      ],
    });

  test.each<[string, string | Uint8Array, Record<string, string>, object]>([
    ["no key", text, { authorization: "" }, { status: 401, code: "invalid_api_key" }],
    ["another scheme", text, { authorization: `Basic ${KEY}` }, { status: 401 }],
    ["a wrong key", text, { authorization: "Bearer nope" }, { status: 401, parley: { reason: "unauthenticated" } }],
    ["no body", "", {}, { status: 400, message: "Cannot read the request body: it is empty; send a JSON object" }],
    ["malformed JSON", "{", {}, { status: 400, parley: { reason: "invalid_request" } }],
    ["bytes that are no UTF-8", new Uint8Array([0xff]), {}, { status: 400 }],
    ["a form", text, { "content-type": "application/x-www-form-urlencoded" }, { status: 400, param: "content-type" }],
    ["plain text", text, { "content-type": "text/plain;charset=UTF-8" }, { status: 400, param: "content-type" }],
    [
      "another charset",
      text,
      { "content-type": "application/json; charset=latin1" },
      { status: 400, param: "content-type" },
    ],
    ["a compressed body", text, { "content-encoding": "gzip" }, { status: 400, param: "content-encoding" }],
    [
      "an idempotency key",
      text,
      { "idempotency-key": "k" },
      { status: 501, param: "idempotency-key", parley: { reason: "not_implemented" } },
    ],
    ["a bad timeout", text, { "x-parley-timeout-ms": "soon" }, { status: 400, param: "x-parley-timeout-ms" }],
    ["a wrong type", JSON.stringify({ ...BODY, n: "two" }), {}, { status: 400, param: "n" }],
    ["deep nesting", `{"a":${"[".repeat(40)}${"]".repeat(40)}}`, {}, { status: 400 }],
    ["a large request without media", large, {}, { status: 413, parley: { reason: "request_too_large" } }],
    ["a request larger than any may be", media(300_000), {}, { status: 413, parley: { reason: "request_too_large" } }],
  ])("%s gets a typed error", async (_name, body, headers, expected) => {
    const gateway = sayHi();
    await using served = await serveSurface(runtime, gateway);
    const sent = Object.fromEntries(
      Object.entries({ "content-type": "application/json", authorization: `Bearer ${KEY}`, ...headers }).filter(
        ([, value]) => value !== "",
      ),
    );
    const response = await fetch(served.url + CHAT, { method: "POST", body: body as string, headers: sent });
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(await errorOf(response)).toMatchObject(expected);
    expect(gateway.calls).toHaveLength(0);
    const next = await served.send(CHAT, BODY);
    expect(next.status).toBe(200);
  });

  test("of the larger kind are taken where they hold media", async () => {
    await using served = await serveSurface(runtime, sayHi());
    expect((await served.send(CHAT, media(100_000))).status).toBe(200);
  });

  test("give back what they took from the budget of bytes in flight, like good ones", async () => {
    const budget = new InFlightBudget(10_000);
    await using served = await serveSurface(runtime, sayHi(), { budget });
    for (const body of [BODY, { ...BODY, n: "two" }, { ...BODY, stream: true }])
      await (await served.send(CHAT, body)).text();
    expect(budget.usedBytes).toBe(0);
    expect(await errorOf(await served.send(CHAT, "x".repeat(20_000)))).toMatchObject({
      status: 503,
      parley: { reason: "gateway_overloaded", retryable: true },
    });
    expect(budget.usedBytes).toBe(0);
  });

  test("with odd request ids get them back harmless", async () => {
    await using served = await serveSurface(runtime, sayHi());
    const response = await served.send(CHAT, BODY, { headers: { "x-request-id": `\u00e9 ${"y".repeat(3000)}` } });
    const echoed = response.headers.get("x-client-request-id") ?? "";
    expect(echoed).toHaveLength(1024);
    expect(echoed.startsWith("? y")).toBe(true);
  });
});
